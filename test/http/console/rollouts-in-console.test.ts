import { readFile } from "node:fs/promises";
import type { Page } from "playwright-core";
import { beforeAll, expect, test } from "vitest";
import { type EmulatorControl, startCamEmulator } from "../../../src/emulator/index.ts";
import { verifyBundle } from "../../../src/rollouts/proof/verify-bundle.ts";
import { ageRollout } from "../../support/alter-rows.ts";
import { createTestPostgres, openTestPostgres } from "../../support/open-test-database.ts";
import { BOB } from "../../support/seed-users.ts";
import { LOCAL_KEY, startLocalGateway } from "../../support/start-gateway.ts";
import { buildConsole, scrollsSideways, seriousFindings, visitConsole } from "../../support/visit-console.ts";
import { whenOver } from "../../support/when-over.ts";

/** Text that a page without escaping would run. */
const ATTACK = `<img src=x onerror="document.title='run'">`;
const MALLORY = "100021969200";
const OLIVIA = "100021969201";
const WIDE = { viewport: { width: 1280, height: 800 }, colorScheme: "light" } as const;
const NARROW = { viewport: { width: 390, height: 800 }, colorScheme: "dark" } as const;

let cam: EmulatorControl;
let gatewayUrl: string;
let databaseUrl: string;

beforeAll(async () => {
  await buildConsole();
  const emulator = await startCamEmulator({ randomSeed: 1 });
  whenOver(() => emulator.stop());
  cam = emulator.control;
  cam.putUser({ uin: MALLORY, name: ATTACK, phone: "13800000200" });
  cam.putUser({ uin: OLIVIA, name: "olivia", phone: "13800000201" });
  databaseUrl = await createTestPostgres();
  const env = { ...LOCAL_KEY, CAM_ENDPOINT: emulator.url, DATABASE_URL: databaseUrl };
  const gateway = await startLocalGateway(env);
  whenOver(() => gateway.stop());
  gatewayUrl = gateway.address.url;
}, 120_000);

test("a person filters, plans, reads, starts, watches, proves and undoes a rollout", async () => {
  const { page, complaints } = await visitConsole(gatewayUrl, WIDE);
  await page.getByRole("link", { name: "olivia" }).waitFor();
  await page.getByRole("button", { name: /without login protection/ }).click();
  await page.getByRole("link", { name: "Plan a rollout for these users" }).click();
  await page.getByText("login protection unprotected").waitFor();
  await page.getByLabel("Name").fill(`Phones ${ATTACK}`);
  await page.getByLabel("Reason").fill(`Audit ${ATTACK}`);
  await page.getByLabel("Login protection: SMS to the phone").selectOption("on");
  await expectFit(page);
  await page.getByRole("button", { name: "Plan", exact: true }).click();

  await page.getByRole("heading", { name: `Phones ${ATTACK}` }).waitFor();
  const start = page.getByRole("button", { name: "Start: change 3 users" });
  await start.waitFor();
  await page.getByText("USER_NOT_BIND_PHONE").first().waitFor();
  await page.getByRole("button", { name: /will change/ }).click();
  await page.getByRole("link", { name: ATTACK }).waitFor();
  await page.getByRole("link", { name: "bob" }).waitFor({ state: "detached" });
  await page.getByText("Login: SMS to the phone on").nth(1).waitFor();
  expect(await page.getByText("protection afterwards").count()).toBe(0);
  expect(cam.user(OLIVIA)?.loginFlag?.Phone).not.toBe(1);
  await expectFit(page);

  await start.click();
  await page.getByText("3 of 3 users settled").waitFor();
  await page.getByText("Done", { exact: true }).waitFor();
  // The chosen users will not change any more, so the list shows all again.
  await page.getByRole("link", { name: "bob" }).waitFor();
  expect(cam.user(OLIVIA)?.loginFlag).toMatchObject({ Phone: 1 });
  expect(cam.user(BOB)?.loginFlag?.Phone).not.toBe(1);
  await page.getByText("a minute after the run").waitFor();

  const id = new URL(page.url()).hash.split("/").at(-1) ?? "";
  await ageRollout(await openTestPostgres(databaseUrl), id);
  await page.getByText("every user is as the rollout left them").waitFor();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Download the proof" }).click(),
  ]);
  expect(download.suggestedFilename()).toBe(`rollout-${id}.jsonl`);
  const file = await download.path();
  expect(await readFile(file, "utf8")).toContain(id);
  const { problem, seal } = await verifyBundle({ file, trustedKeys: undefined });
  expect({ problem, name: seal?.name }).toEqual({ problem: undefined, name: `Phones ${ATTACK}` });
  await expectFit(page);

  await page.getByRole("region", { name: "Undo" }).getByLabel("Reason").fill("Wrong numbers");
  await page.getByRole("button", { name: "Plan the undo" }).click();
  await page.getByRole("heading", { name: /^Undo/ }).nth(0).waitFor();
  await page.getByText("No login protection afterwards.").nth(2).waitFor();
  await page.getByText("3 users will have no login or no operation protection afterwards.").waitFor();
  await expectFit(page);
  await page.getByRole("button", { name: "Start: change 3 users" }).click();
  await page.getByText("3 of 3 users settled").waitFor();
  expect(cam.user(OLIVIA)?.loginFlag?.Phone).not.toBe(1);
  expect(await page.title()).toBe("Console · CAM MFA gateway");
  expect(await page.locator("main img").count()).toBe(0);
  expect(complaints).toEqual([]);
}, 180_000);

test("a plan is cancelled with a reason in a narrow window in dark mode, and every page fits", async () => {
  const { page, complaints } = await visitConsole(gatewayUrl, NARROW);
  await page.getByRole("link", { name: "olivia" }).waitFor();
  await page.getByRole("searchbox").fill("olivia");
  await page.getByText("1 to 1 of 1").waitFor();
  await page.getByRole("link", { name: "Plan a rollout for these users" }).click();
  await page.getByText("“olivia” in name, Uin or remark").waitFor();
  await page.getByLabel("Name").fill("Narrow");
  await page.getByLabel("Reason").fill("a test");
  await page.getByLabel("Operation protection: SMS to the phone").selectOption("on");
  await page.getByLabel("Only in a time window").check();
  await page.getByLabel("First waves, in users").fill("10, 100");
  await expectFit(page);
  await page.getByRole("button", { name: "Plan", exact: true }).click();
  await page.getByRole("button", { name: "Start: change 1 user" }).waitFor();
  await page.getByText("Waves: 10 users, 100 users, then the rest.").waitFor();
  await page.getByText(/^Only .+ from \d\d:\d\d to \d\d:\d\d, /).waitFor();
  await expectFit(page);
  await page.getByRole("button", { name: "Cancel the rollout" }).click();
  await page.getByText("Cancelled", { exact: true }).waitFor();
  await page.getByRole("link", { name: "Rollouts" }).click();
  await page.getByRole("link", { name: "Narrow" }).waitFor();
  await expectFit(page);
  expect(complaints).toEqual([]);
}, 120_000);

async function expectFit(page: Page): Promise<void> {
  expect(await seriousFindings(page)).toEqual([]);
  expect(await scrollsSideways(page)).toBe(false);
}
