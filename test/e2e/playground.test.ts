import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Page } from "playwright-core";
import { beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { loadExamples } from "../../src/http/playground/load-examples.ts";
import { EXAMPLES_DIR } from "../../src/package-paths.ts";
import { openPlayground } from "../support/open-playground.ts";

import { startChromium } from "../support/start-chromium.ts";
import { startLocalGateway } from "../support/start-local-gateway.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const root = join(import.meta.dirname, "../..");
const browserAccept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

beforeAll(async () => {
  await promisify(execFile)(process.execPath, [join(root, "scripts/build-if-needed.mjs"), "playground"]);
});

test("a first visit shows one tab per example and says that nothing is real", async () => {
  const { page, complaints } = await visit();
  const examples = await loadExamples(EXAMPLES_DIR);
  expect(await page.title()).toBe("Playground · CAM MFA gateway");
  expect(await page.locator(".banner").textContent()).toContain("talking to the embedded CAM emulator");
  expect(await page.locator(".graphiql-tab-button").allTextContents()).toEqual(
    examples.map((example) => example.name),
  );
  expect(await editorText(page, "operation.graphql")).toBe(examples[0]?.document);
  expect(complaints).toEqual([]);
});

test("the mutation in front of a first visitor runs from the keyboard and shows Alice protected", async () => {
  const { page, complaints } = await visit();
  await page.locator(".graphiql-query-editor .view-line").first().click();
  await page.keyboard.press("Control+Enter");
  expect(await response(page)).toMatchObject({
    data: {
      setSubUserMfa: {
        resolvedBy: "REPLY",
        subUser: { name: "alice", mfa: { login: { phone: true, stoken: true }, action: { phone: true } } },
      },
    },
  });
  expect(complaints).toEqual([]);
});

test("the tab of an error runs by its button and shows the typed error", async () => {
  const { page, complaints } = await visit();
  await page.getByRole("tab", { name: "UserNotBindPhone" }).getByRole("button").first().click();
  await page.locator(".graphiql-execute-button").click();
  expect(await response(page)).toMatchObject({
    errors: [{ extensions: { code: "USER_NOT_BIND_PHONE", category: "PRECONDITION", retryable: false } }],
  });
  expect(complaints).toEqual([]);
});

test("a second visit finds the visitor's own edits and tabs", async () => {
  const { page, url, complaints } = await visit();
  const tabs = await page.getByRole("tab").count();
  await page.locator(".graphiql-query-editor .view-line").first().click();
  await page.keyboard.press("Control+Home");
  await page.keyboard.type("# mine\n");
  await page.getByRole("button", { name: "New tab" }).click();
  await vi.waitFor(
    async () => expect(await storedTabs(page)).toMatchObject({ activeTabIndex: tabs }),
    10_000,
  );

  const again = await openPlayground(page.context(), url);
  expect(await again.page.getByRole("tab").count()).toBe(tabs + 1);
  await again.page.getByRole("tab", { name: "SwitchProtectionOn" }).getByRole("button").first().click();
  await vi.waitFor(async () =>
    expect(await editorText(again.page, "operation.graphql")).toMatch(/^# mine\n/),
  );
  expect([...complaints, ...again.complaints]).toEqual([]);
});

test("the Examples panel opens an example as shipped and leaves the visitor's version alone", async () => {
  const { page, complaints } = await visit();
  await page.locator(".graphiql-query-editor .view-line").first().click();
  await page.keyboard.press("Control+Home");
  await page.keyboard.type("# mine\n");
  await page.getByRole("button", { name: "Show Examples" }).click();
  const panel = page.getByRole("region", { name: "Examples" });
  await panel.getByRole("button", { name: "Switch protection on" }).click();
  await vi.waitFor(async () => {
    expect(await editorText(page, "operation.graphql")).toMatch(/^# Switch protection on/);
    expect(await page.getByRole("tab", { name: "SwitchProtectionOn" }).count()).toBe(2);
  });
  await page.getByRole("tab", { name: "SwitchProtectionOn" }).first().getByRole("button").first().click();
  await vi.waitFor(async () => expect(await editorText(page, "operation.graphql")).toMatch(/^# mine\n/));
  expect(complaints).toEqual([]);
});

test("the Errors panel explains the error in the result before all others", async () => {
  const { page, complaints } = await visit();
  await page.getByRole("tab", { name: "UserUnbindNoPermission" }).getByRole("button").first().click();
  await page.locator(".graphiql-execute-button").click();
  await response(page);
  await page.getByRole("button", { name: "Show Errors" }).click();
  const entries = page.getByRole("region", { name: "Errors" }).getByRole("listitem");
  await entries.first().getByText("USER_UNBIND_NO_PERMISSION").waitFor();
  expect(await page.locator(".error-in-result").count()).toBe(1);
  expect(await entries.count()).toBeGreaterThan(20);
  expect(complaints).toEqual([]);
});

test("the editor knows the schema: the documentation opens and a wrong field is underlined", async () => {
  const { page, complaints } = await visit();
  await page.getByRole("button", { name: "Show Documentation Explorer" }).click();
  const documentation = page.getByRole("region", { name: "Documentation Explorer" });
  await documentation.getByText("Mutation", { exact: true }).click();
  await documentation.getByText("trySetSubUserMfa").waitFor();
  await page.locator(".graphiql-query-editor .view-line").first().click();
  await page.keyboard.press("Control+A");
  await page.keyboard.type("{ noSuchField }");
  await page.locator(".graphiql-query-editor .squiggly-error").first().waitFor();
  expect(complaints).toEqual([]);
});

test("a gateway with the playground off has no page and none of its files", async () => {
  const url = await startGateway({ PLAYGROUND: "off" });
  for (const address of [url, `${url}-playground/assets/index.js`]) {
    const answer = await fetch(address, { headers: { accept: browserAccept } });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.headers.get("content-type")).not.toContain("text/html");
    expect(await answer.text()).not.toContain("<html");
  }
});

async function visit() {
  const [browser, url] = await Promise.all([startChromium(), startGateway()]);
  const context = await browser.newContext();
  return { url, ...(await openPlayground(context, url)) };
}

async function startGateway(env: Record<string, string> = {}): Promise<string> {
  const gateway = await startLocalGateway({ DATA_DIR: (await temporaryFolder()).path, ...env });
  onTestFinished(() => gateway.stop());
  return gateway.address.url;
}

/** The whole content of an editor; on the screen are only the lines in view. */
function editorText(page: Page, file: string): Promise<string | undefined> {
  return page.evaluate((name) => {
    const { __MONACO } = globalThis as unknown as { __MONACO: typeof import("monaco-editor") };
    const model = __MONACO.editor.getModels().find(({ uri }) => uri.path.endsWith(name));
    return model?.getValue();
  }, file);
}

function response(page: Page): Promise<unknown> {
  return vi.waitFor(async () => JSON.parse((await editorText(page, "response.json")) ?? ""), 10_000);
}

function storedTabs(page: Page): Promise<unknown> {
  return page.evaluate(() => JSON.parse(localStorage.getItem("cam-mfa-gateway:graphiql:tabState") ?? "null"));
}
