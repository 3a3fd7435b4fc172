import type { Page } from "playwright-core";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type EmulatorControl, startCamEmulator } from "../../src/emulator/index.ts";
import { BOB, ERIN } from "../support/seed-users.ts";
import { LOCAL_KEY, startLocalGateway } from "../support/start-gateway.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { buildConsole, scrollsSideways, seriousFindings, visitConsole } from "../support/visit-console.ts";
import { whenOver } from "../support/when-over.ts";

/** Text that a page without escaping would run. */
const ATTACK = `<img src=x onerror="document.title='run'"><script>document.title='run'</script>`;
const MALLORY = "100021969200";
const OLIVIA = "100021969201";

let cam: EmulatorControl;
let gatewayUrl: string;

beforeAll(async () => {
  await buildConsole();
  const emulator = await startCamEmulator({ randomSeed: 1 });
  whenOver(() => emulator.stop());
  cam = emulator.control;
  cam.putUser({ uin: MALLORY, name: ATTACK, remark: `=cmd|' /C calc'!A0 ${ATTACK}`, phone: "13800000200" });
  cam.putUser({ uin: OLIVIA, name: "olivia", phone: "13800000201", loginFlag: { Stoken: 1 } });
  const DATA_DIR = (await temporaryFolder()).path;
  const gateway = await startLocalGateway({ ...LOCAL_KEY, CAM_ENDPOINT: emulator.url, DATA_DIR });
  whenOver(() => gateway.stop());
  gatewayUrl = gateway.address.url;
});

describe("the users", () => {
  test("alice is found by name, and the users without protection by one click", async () => {
    const { page, complaints } = await visitUsers();
    await page.getByRole("searchbox").fill("ALI");
    await page.getByText("1 to 1 of 1").waitFor();
    expect(await names(page)).toEqual(["alice"]);
    await page.getByRole("button", { name: "Show all" }).click();
    await page.getByRole("button", { name: /without login protection/ }).click();
    await page.getByText(/of 4$/).waitFor();
    expect(await names(page)).toEqual([ATTACK, "bob", "heidi", "mfa-gateway"]);
    expect(complaints).toEqual([]);
  });

  test("are sorted by a click on a column, and in the other direction by another click", async () => {
    const { page } = await visitUsers();
    const strength = page.getByRole("columnheader", { name: "Strength" });
    await strength.getByRole("button").click();
    await expectAttribute(page, "th[aria-sort=ascending]", "Strength");
    await strength.getByRole("button").click();
    await expectAttribute(page, "th[aria-sort=descending]", "Strength");
    await page.locator("tbody tr").first().getByText("hardware").waitFor();
    expect((await names(page))[0]).toBe("erin");
  });

  test("names and remarks with markup are shown as text", async () => {
    const { page, complaints } = await visitUsers();
    await page.getByRole("link", { name: ATTACK }).click();
    await page.getByRole("heading", { name: ATTACK }).waitFor();
    await page.getByText("=cmd|").waitFor();
    expect(await page.title()).toBe("Console · CAM MFA gateway");
    expect(await page.locator("main img, main script").count()).toBe(0);
    expect(complaints).toEqual([]);
  });
});

describe("a user", () => {
  test("is switched from the keyboard with a reason, and the record shows it", async () => {
    const { page, complaints } = await visitUsers();
    await page.getByRole("link", { name: "olivia" }).focus();
    await page.keyboard.press("Enter");
    const phone = page.getByRole("switch", { name: "Login protection: SMS to the phone" });
    await phone.focus();
    await page.keyboard.press("Space");
    await page.getByLabel("Reason").fill(`New phone ${ATTACK}`);
    await page.getByRole("button", { name: "Send the switch" }).focus();
    await page.keyboard.press("Enter");
    await page.getByText("The change took effect.").waitFor();
    expect(cam.user(OLIVIA)?.loginFlag).toMatchObject({ Phone: 1, Stoken: 1 });
    await page.getByRole("switch", { name: "Login protection: SMS to the phone", checked: true }).waitFor();
    await page.getByText("Login: SMS to the phone on").waitFor();
    await page.getByRole("link", { name: "Record" }).click();
    await page.getByText(`By local: “New phone ${ATTACK}”`).waitFor();
    expect(complaints).toEqual([]);
  });

  test("without a phone is refused, and the page explains it in place", async () => {
    const { page, complaints } = await visitUser(BOB);
    await page.getByText("Bind a phone number").waitFor();
    await page.getByRole("switch", { name: "Login protection: SMS to the phone" }).click();
    await page.getByRole("button", { name: "Send the switch" }).click();
    const alert = page.getByRole("alert");
    await alert.getByText("This user has no phone number bound").waitFor();
    expect(await alert.textContent()).toContain("USER_NOT_BIND_PHONE");
    expect(complaints).toEqual([]);
  });

  test("with a method that no write keeps needs the visitor's consent", async () => {
    const { page } = await visitUser(ERIN);
    await page.getByRole("switch", { name: "Login protection: Virtual MFA device" }).click();
    await page.getByRole("button", { name: "Send the switch" }).click();
    await page.getByText("MFA_METHOD_NOT_WRITABLE").waitFor();
    await page.getByRole("checkbox", { name: /may lose a method/ }).check();
    await page.getByRole("button", { name: "Send the switch" }).click();
    await page.getByText("The change took effect.").waitFor();
    expect(cam.user(ERIN)?.loginFlag).toMatchObject({ Stoken: 1 });
  });

  test("that CAM does not have is reported as missing", async () => {
    const { page } = await visitUser("100021969998");
    await page.getByText("CAM has no such user").waitFor();
  });
});

describe.each([
  ["a wide window", { viewport: { width: 1280, height: 800 }, colorScheme: "light" }],
  ["a narrow window in dark mode", { viewport: { width: 390, height: 800 }, colorScheme: "dark" }],
] as const)("in %s", (_name, options) => {
  let page: Page;
  let complaints: string[];
  let url: string;

  beforeEach(async () => {
    ({ page, complaints, url } = await visitConsole(gatewayUrl, options));
  });

  test("every page is accessible and fits", async () => {
    for (const [path, content] of [
      ["/users", "alice"],
      [`/users/default/${BOB}`, "Bind a phone number"],
      ["/coverage", "Strength of login protection"],
      ["/approvals", "No change awaits approval."],
      ["/record", "Details"],
      ["/drift", "No drift."],
      ["/callers", "No caller is paused."],
    ]) {
      await page.goto(`${url}#${path}`);
      await page
        .getByText(content ?? "")
        .first()
        .waitFor();
      expect(await seriousFindings(page)).toEqual([]);
      expect(await scrollsSideways(page)).toBe(false);
    }
    expect(complaints).toEqual([]);
  });

  test("the name of a method stands on one line", async () => {
    await page.goto(`${url}#/users/default/${BOB}`);
    const method = page.getByText("Virtual MFA device", { exact: true });
    expect((await method.boundingBox())?.height).toBeLessThan(60);
  });
});

/** Opens the users after the first scan, which the gateway begins by itself. */
async function visitUsers() {
  const visit = await visitConsole(gatewayUrl);
  await visit.page.getByRole("link", { name: "olivia" }).waitFor();
  return visit;
}

async function visitUser(opUin: string) {
  const visit = await visitConsole(gatewayUrl);
  await visit.page.goto(`${visit.url}#/users/default/${opUin}`);
  return visit;
}

/** Returns the names in the table, in their order. */
function names(page: Page): Promise<string[]> {
  return page.locator("tbody th a").allTextContents();
}

function expectAttribute(page: Page, selector: string, text: string): Promise<void> {
  return page.locator(selector, { hasText: text }).waitFor();
}
