import { sql } from "kysely";
import type { Page } from "playwright-core";
import { beforeAll, expect, test } from "vitest";
import { startCamEmulator } from "../../../src/emulator/index.ts";
import { createTestPostgres, openTestPostgres } from "../../support/open-test-database.ts";
import { LOCAL_KEY, startLocalGateway } from "../../support/start-gateway.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { buildConsole, scrollsSideways, seriousFindings, visitConsole } from "../../support/visit-console.ts";
import { whenOver } from "../../support/when-over.ts";

const NAMES = Array.from({ length: 120 }, (_, at) => `user-${String(at).padStart(3, "0")}`);

let gatewayUrl: string;

beforeAll(async () => {
  await buildConsole();
  const emulator = await startCamEmulator({ randomSeed: 1 });
  whenOver(() => emulator.stop());
  const folder = await temporaryFolder();
  const key = { secretId: LOCAL_KEY.TENCENTCLOUD_SECRET_ID, secretKey: { file: folder.at("key") } };
  await folder.write("key", LOCAL_KEY.TENCENTCLOUD_SECRET_KEY);
  const others = Array.from({ length: 11 }, (_, at) => `account-${at}`);
  const accounts = ["one", ...others].map((name) => [
    name,
    { endpoint: emulator.url, serviceHost: LOCAL_KEY.CAM_SERVICE_HOST, credentials: key },
  ]);
  await folder.write("accounts.json", JSON.stringify({ accounts: Object.fromEntries(accounts) }));
  const databaseUrl = await createTestPostgres();
  const gateway = await startLocalGateway({
    ...LOCAL_KEY,
    CAM_ENDPOINT: emulator.url,
    CAM_ACCOUNTS: folder.at("accounts.json"),
    DATABASE_URL: databaseUrl,
    DIRECTORY_SCAN_INTERVAL: "off",
  });
  whenOver(() => gateway.stop());
  gatewayUrl = gateway.address.url;
  const database = await openTestPostgres(databaseUrl);
  await sql`
    insert into directory_user (
      account, op_uin, name, login_methods, action_methods, login_unreported, action_unreported, protections_as_of, source
    )
    select 'one', 200000000000 + at, name, 0, 0, 0, 0, now(), 'SCAN' from unnest(${NAMES}::text[]) with ordinality n (name, at)`.execute(
    database.db,
  );
}, 120_000);

test("every page shows its own numbers, and impatient clicks skip none", async () => {
  const { page, complaints } = await visitUsers();
  const seen = await names(page);
  const next = page.getByRole("button", { name: "Next page" });
  const release = await holdAnswers(page);
  await next.click();
  await next.click();
  await page.locator("[aria-busy=true]").waitFor();
  expect(await page.getByText("1 to 50 of 120").isVisible()).toBe(true);
  release();
  await page.getByText("51 to 100 of 120").waitFor();
  seen.push(...(await names(page)));
  await next.press("Enter");
  await page.getByText("101 to 120 of 120").waitFor();
  seen.push(...(await names(page)));
  expect(seen).toEqual(NAMES);
  expect(await next.getAttribute("aria-disabled")).toBe("true");
  expect(await next.evaluate((button) => button.ownerDocument.activeElement === button)).toBe(true);
  await page.getByRole("button", { name: "Previous page" }).click();
  await page.getByText("51 to 100 of 120").waitFor();
  expect(complaints).toEqual([]);
});

test("a search on a later page sends one request, and a click before its answer does no harm", async () => {
  const { page } = await visitUsers();
  const next = page.getByRole("button", { name: "Next page" });
  await next.click();
  await page.getByText("51 to 100 of 120").waitFor();
  const sent: string[] = [];
  page.on("request", (request) => {
    const body = request.postData() ?? "";
    if (body.includes("subUserDirectory")) sent.push(body);
  });
  const release = await holdAnswers(page);
  await page.getByRole("searchbox").fill("user-00");
  await next.click();
  await expect.poll(() => sent.length).toBe(1);
  await next.click();
  release();
  await page.getByText("1 to 10 of 10").waitFor();
  expect(sent).toHaveLength(1);
  expect(sent[0]).toContain('"search":"user-00"');
  expect(await page.getByRole("alert").count()).toBe(0);
  await page.getByRole("button", { name: "Show all" }).click();
  await page.getByText("1 to 50 of 120").waitFor();
  expect(await page.locator("input:focus").getAttribute("type")).toBe("search");
});

test("a narrow window sorts too, and many accounts have one line about their scans", async () => {
  const { page } = await visitUsers({ width: 390, height: 800 });
  await page.getByText("Scans of 13 accounts: 13 never scanned.").waitFor();
  const name = page.getByRole("button", { name: "Name", exact: true });
  await name.click();
  await page.getByRole("link", { name: "user-119" }).waitFor();
  expect((await names(page))[0]).toBe("user-119");
  expect(await seriousFindings(page)).toEqual([]);
  expect(await scrollsSideways(page)).toBe(false);
});

test("coverage shows the accounts with most users at risk first, and the others on request", async () => {
  const { page } = await visitUsers();
  await page.getByRole("link", { name: "Coverage" }).click();
  const cards = page.getByRole("heading", { level: 2 });
  await cards.first().waitFor();
  expect(await cards.allTextContents()).toHaveLength(10);
  expect(await cards.first().textContent()).toBe("one: 120 users");
  await page.getByRole("searchbox", { name: "Account" }).fill("Account-1");
  await expect.poll(() => cards.allTextContents()).toEqual(["account-1: 0 users", "account-10: 0 users"]);
  await page.getByRole("searchbox").fill("none");
  await page.getByText("No account matches.").waitFor();
  await page.getByRole("searchbox").fill("");
  await page.getByRole("button", { name: "Show all 13 accounts" }).click();
  await expect.poll(() => cards.count()).toBe(13);
  expect(await seriousFindings(page)).toEqual([]);
});

test("the page rarely asks for the scans while they are off", async () => {
  const { page } = await visitUsers();
  await page.clock.install();
  await page.reload();
  await page.getByText("Scans of 13 accounts: 13 never scanned.").waitFor();
  let reads = 0;
  page.on("request", (request) => {
    if (request.postData()?.includes("directoryScans")) reads += 1;
  });
  await page.clock.runFor(25_000);
  expect(reads).toBe(0);
  await page.clock.runFor(10_000);
  await expect.poll(() => reads).toBe(1);
});

async function visitUsers(viewport = { width: 1280, height: 800 }) {
  const visit = await visitConsole(gatewayUrl, { viewport });
  await visit.page.getByText("1 to 50 of 120").waitFor();
  return visit;
}

/** Holds the page's requests until released. */
async function holdAnswers(page: Page): Promise<() => void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  await page.route("**/graphql", async (route) => {
    await promise;
    await route.continue().catch(() => undefined);
  });
  return resolve;
}

/** Returns the names in the table, in their order. */
function names(page: Page): Promise<string[]> {
  return page.locator("tbody th a").allTextContents();
}
