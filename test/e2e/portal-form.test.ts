import { join } from "node:path";
import type { Page } from "playwright-core";
import { build, preview } from "vite";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type EmulatorControl, startCamEmulator } from "../../src/emulator/index.ts";
import { ALICE, BOB, CAROL, DAVE, ERIN, GRACE, NOBODY } from "../support/seed-users.ts";
import { openBrowserContext } from "../support/start-chromium.ts";
import { LOCAL_KEY, startLocalGateway } from "../support/start-gateway.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { whenOver } from "../support/when-over.ts";

const configFile = join(import.meta.dirname, "../../examples/portal-form/vite.config.ts");
/** A Uin outside the account. CAM has another code for an unknown Uin inside the account. */
const ELSEWHERE = "999999999999";
let cam: EmulatorControl;
let url: string;

beforeAll(async () => {
  const emulator = await startCamEmulator({ randomSeed: 1 });
  whenOver(() => emulator.stop());
  cam = emulator.control;
  url = await serveForm(await startGatewayOn(emulator.url));
});
beforeEach(() => cam.reset());

/**
 * Adds a user like alice that no test has changed. For a minute the gateway trusts its own writes more than CAM's
 * reads.
 */
function likeAlice(uin: string): string {
  cam.putUser({ uin, name: uin, phone: "13800000091", loginFlag: { Stoken: 1 } });
  return uin;
}

describe("the form", () => {
  test("switches a protection from the keyboard and shows the current protections", async () => {
    const { page, complaints } = await openForm();
    // Past the search.
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.type(ALICE);
    await page.keyboard.press("Tab");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Switch" }).press("Enter");
    await expectText(
      page,
      "status",
      "Done. At login: Code by SMS, Virtual MFA device. Before sensitive operations: nothing.",
    );
    expect(cam.user(ALICE)?.loginFlag).toMatchObject({ Phone: 1, Stoken: 1 });
    expect(await page.getByRole("alert").isVisible()).toBe(false);
    expect(complaints).toEqual([]);
  });

  test.each<[code: string, opUin: string, method: string, advice: string, invalid: string | undefined]>([
    ["USER_NOT_BIND_PHONE", BOB, "phone", "Bind a phone number", "login-phone"],
    ["USER_NOT_BIND_WECHAT", CAROL, "wechat", "Have the user bind WeChat", "login-wechat"],
    ["USER_UNBIND_NO_PERMISSION", DAVE, "phone", "Only the owner of the account", undefined],
    ["MFA_TOKEN_ERROR", GRACE, "phone", "the gateway's operator has to renew its session", undefined],
    ["USER_NOT_EXIST", NOBODY, "phone", "Check the id", "op-uin"],
    ["USER_NOT_EXIST", ELSEWHERE, "phone", "Check the id", "op-uin"],
    ["MFA_METHOD_NOT_WRITABLE", ERIN, "phone", "give the other method up", "overwrite"],
  ])("explains %s for %s", async (code, opUin, method, advice, invalid) => {
    const { page, complaints } = await openForm();
    await switchOn(page, opUin, method);
    await expectText(page, "alert", advice);
    await expectText(page, "alert", code);
    expect(await page.locator("[aria-invalid]").evaluateAll((inputs) => inputs.map(({ id }) => id))).toEqual(
      invalid === undefined ? [] : [invalid],
    );
    if (invalid !== undefined) expect(await page.evaluate(() => document.activeElement?.id)).toBe(invalid);
    expect(await page.getByRole("button", { name: "Switch" }).isEnabled()).toBe(true);
    expect(complaints).toEqual([]);
  });

  test("sends nothing for an invalid id, and switches after the correction", async () => {
    const { page, complaints } = await openForm();
    const requests: string[] = [];
    page.on("request", (request) => requests.push(request.url()));
    for (const typed of ["", "abc", "100021969 091", "0", "-1", "18446744073709551616"]) {
      await switchOn(page, typed, "phone");
      await expectText(page, "alert", "This is not a user's id.");
      expect(await page.locator("[aria-invalid] + .note").textContent()).toBe("This is not a user's id.");
      expect(await page.evaluate(() => document.activeElement?.id)).toBe("op-uin");
    }
    expect(requests).toEqual([]);
    await switchOn(page, `  ${ALICE} `, "phone");
    await expectText(page, "status", "Done.");
    expect(await page.locator("[aria-invalid], .note").count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  test("asks for a method when none is chosen", async () => {
    const { page, complaints } = await openForm();
    await page.getByLabel("User's id (Uin)").fill(ALICE);
    await page.getByRole("button", { name: "Switch" }).click();
    await expectText(page, "alert", "Choose on or off for at least one method.");
    expect(complaints).toEqual([]);
  });

  test("says that nothing was changed when the gateway did not run the operation", async () => {
    const { page, complaints } = await openForm();
    await page.locator("#reason").evaluate((input) => input.removeAttribute("maxlength"));
    await page.getByLabel("Reason").fill("x".repeat(501));
    await switchOn(page, ALICE, "phone");
    await expectText(page, "alert", "Nothing was changed. Correct it, and try again.");
    await page.getByLabel("Reason").fill("x");
    await page.getByRole("button", { name: "Switch" }).click();
    await expectText(page, "status", "Done.");
    expect(complaints).toEqual([]);
  });

  test("asks for the reason that a change needs, and switches with it", async () => {
    const { page, complaints } = await openForm();
    await page.getByLabel("User's id (Uin)").fill(likeAlice("100021969501"));
    await page.locator("#login-stoken").selectOption("off");
    await page.getByRole("button", { name: "Switch" }).press("Enter");
    await expectText(page, "alert", "Say why");
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("reason");
    await page.keyboard.type("Lost her phone");
    await page.keyboard.press("Enter");
    await expectText(page, "status", "Done. At login: nothing.");
    expect(complaints).toEqual([]);
  });

  test("drops a method that no write can keep when the user confirms it", async () => {
    const { page, complaints } = await openForm();
    await switchOn(page, ERIN, "phone");
    await expectText(page, "alert", "tick the box");
    await page.keyboard.press("Space");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await expectText(page, "status", "Done. At login: Code by SMS");
    // The focus does not move.
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("submit");
    // The confirmation covers only this change.
    expect(await page.locator("#overwrite").isChecked()).toBe(false);
    expect(complaints).toEqual([]);
  });

  test("counts down while CAM is busy, and then switches", async () => {
    const { page } = await openForm();
    cam.addFault({ kind: "throttle", action: "SetMfaFlag" });
    // The page's time stands still until the test moves it.
    await page.clock.install({ time: 0 });
    await page.clock.pauseAt(1_000);
    await switchOn(page, ALICE, "phone");
    await expectText(page, "timer", "You can switch again in 1 s.");
    expect(await page.getByRole("button", { name: "Switch" }).isDisabled()).toBe(true);
    cam.clearFaults();
    await page.clock.fastForward(60_000);
    await expectText(page, "timer", "You can switch again now.");
    await page.getByRole("button", { name: "Switch" }).click();
    await expectText(page, "status", "Done.");
  });

  test("requires a read after an unknown outcome before the next change", async () => {
    const { page, complaints } = await openForm();
    const user = likeAlice("100021969502");
    cam.addFault({ kind: "cutBefore", action: "SetMfaFlag" });
    await switchOn(page, user, "phone");
    await expectText(page, "alert", "OUTCOME_UNKNOWN");
    expect(await page.getByRole("button", { name: "Switch" }).isDisabled()).toBe(true);
    await page.getByLabel("User's id (Uin)").fill("");
    await page.getByRole("button", { name: "Read the user's protection" }).click();
    await expectText(page, "alert", "This is not a user's id.");
    expect(await page.getByRole("button", { name: "Switch" }).isDisabled()).toBe(true);
    await page.getByLabel("User's id (Uin)").fill(user);
    await page.getByRole("button", { name: "Read the user's protection" }).click();
    await expectText(page, "status", "At login: Virtual MFA device.");
    expect(await page.getByRole("button", { name: "Switch" }).isEnabled()).toBe(true);
    expect(complaints).toEqual([]);
  });

  test("repeats an unanswered change with its idempotency key, and uses a new key for the next change", async () => {
    const { page } = await openForm();
    const keys: (string | undefined)[] = [];
    page.on("request", (request) => keys.push(request.headers()["idempotency-key"]));
    await page.route("**/graphql", (route) => route.abort(), { times: 1 });
    await switchOn(page, ALICE, "phone");
    await expectText(page, "alert", "The gateway did not answer.");
    await page.getByRole("button", { name: "Switch" }).click();
    await expectText(page, "status", "Done.");
    await page.getByRole("button", { name: "Switch" }).click();
    await expect.poll(() => keys).toHaveLength(3);
    expect(keys[0]).toBe(keys[1]);
    expect(keys[2]).not.toBe(keys[1]);
  });

  test("reports an unexpected failure when no gateway answers", async () => {
    const { page } = await openForm();
    await page.route("**/graphql", (route) => route.fulfill({ status: 502, body: "<h1>Bad gateway</h1>" }));
    await switchOn(page, ALICE, "phone");
    await expectText(page, "alert", "Something unexpected happened.");
    await expectText(page, "alert", "HTTP 502");
  });
});

describe("the search", () => {
  test("finds a user by name, shows the state, and says in place what cannot be switched on", async () => {
    const { page, complaints } = await openForm();
    await search(page, "bob", BOB);
    await page.getByRole("button", { name: "bob" }).press("Enter");
    await expectText(page, "status", "bob. At login: nothing.");
    expect(await page.getByLabel("User's id (Uin)").inputValue()).toBe(BOB);
    expect(await page.locator("#login-phone + .unavailable").textContent()).toContain(
      "Cannot be switched on.",
    );
    expect(await page.locator("#login-stoken + .unavailable").count()).toBe(0);
    await page.locator("#login-phone").selectOption("on");
    await page.getByRole("button", { name: "Switch" }).click();
    await expectText(page, "alert", "Bind a phone number");
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("login-phone");
    // Another user has other methods, and no choice of the user before.
    await search(page, "alice", ALICE);
    await page.getByRole("button", { name: "alice" }).click();
    await expectText(page, "status", "alice. At login:");
    expect(await page.locator("#login-phone + .unavailable").count()).toBe(0);
    expect(await page.locator("#login-phone").inputValue()).toBe("");
    expect(complaints).toEqual([]);
  });

  test("says how many users it found", async () => {
    const { page, complaints } = await openForm();
    await search(page, "alice", ALICE);
    expect(await page.locator("#found").textContent()).toBe("1 user found.");
    await page.getByLabel("Name, id or remark").fill("no user has this name");
    await page.locator("#found").filter({ hasText: "0 users found." }).waitFor();
    expect(await page.locator("#users li").count()).toBe(0);
    expect(complaints).toEqual([]);
  });
});

/** Types the words again until the first scan of the directory has found the user. */
async function search(page: Page, words: string, opUin: string): Promise<void> {
  await expect
    .poll(
      async () => {
        await page.getByLabel("Name, id or remark").fill("");
        await page.getByLabel("Name, id or remark").fill(words);
        await page.locator("#found:not(:empty)").waitFor();
        return page.locator("#users").textContent();
      },
      { timeout: 20_000 },
    )
    .toContain(opUin);
}

/** A gateway with a short deadline and a database in a folder. */
async function startGatewayOn(camUrl: string): Promise<string> {
  const patience = { CAM_TIMEOUT_MS: "1000", CAM_DEADLINE_MS: "3000", CAM_CIRCUIT_FAILURES: "0" };
  const DATA_DIR = (await temporaryFolder()).path;
  const gateway = await startLocalGateway({ ...LOCAL_KEY, ...patience, CAM_ENDPOINT: camUrl, DATA_DIR });
  whenOver(() => gateway.stop());
  return gateway.address.url;
}

/** Builds the form and serves it on the gateway's origin, as its development server does. */
async function serveForm(gatewayUrl: string): Promise<string> {
  const outDir = (await temporaryFolder()).path;
  await build({ configFile, logLevel: "error", build: { outDir, emptyOutDir: true } });
  const proxy = { "/graphql": { target: new URL(gatewayUrl).origin, changeOrigin: true } };
  const server = await preview({
    configFile,
    logLevel: "error",
    build: { outDir },
    preview: { host: "127.0.0.1", port: 0, proxy },
  });
  whenOver(() => server.close());
  const [address = ""] = server.resolvedUrls?.local ?? [];
  return address;
}

async function openForm() {
  const page = await (await openBrowserContext()).newPage();
  const complaints: string[] = [];
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  await page.goto(url);
  return { page, complaints };
}

async function switchOn(page: Page, opUin: string, method: string): Promise<void> {
  await page.getByLabel("User's id (Uin)").fill(opUin);
  await page.locator(`#login-${method}`).selectOption("on");
  await page.getByRole("button", { name: "Switch" }).click();
}

async function expectText(page: Page, role: "status" | "alert" | "timer", text: string): Promise<void> {
  await page.getByRole(role).filter({ hasText: text }).waitFor();
}
