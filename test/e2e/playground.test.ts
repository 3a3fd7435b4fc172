import type { Page } from "playwright-core";
import { beforeAll, expect, test } from "vitest";
import { EXAMPLES_DIR } from "../../src/gateway/package-paths.ts";
import { loadExamples } from "../../src/http/playground/playground.ts";
import {
  buildPlayground,
  editorText,
  openPlayground,
  response,
  startGatewayToVisit,
  visitPlayground,
} from "../support/visit-playground.ts";

const browserAccept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

let gatewayUrl: string;

beforeAll(async () => {
  await buildPlayground();
  gatewayUrl = await startGatewayToVisit();
});

test("a first visit shows one tab and one entry per example, and says that CAM is emulated", async () => {
  const { page, complaints } = await visitPlayground(gatewayUrl);
  const examples = await loadExamples(EXAMPLES_DIR);
  expect(await page.title()).toBe("Playground · CAM MFA gateway");
  expect(await page.locator(".banner").textContent()).toContain("connected to the embedded CAM emulator");
  expect(await page.locator(".graphiql-tab-button").allTextContents()).toEqual(["SwitchProtectionOn"]);
  expect(await editorText(page, "operation.graphql")).toBe(examples[0]?.document);
  const entries = page.getByRole("region", { name: "Examples" }).getByRole("button");
  expect(await entries.locator("strong").allTextContents()).toEqual(examples.map(({ title }) => title));
  expect(await entries.first().getAttribute("aria-current")).toBe("true");
  expect(complaints).toEqual([]);
});

test("empty editors show a hint", async () => {
  const { page, complaints } = await visitPlayground(gatewayUrl);
  const hints = page.locator(".editorPlaceholder:visible");
  expect(await hints.allTextContents()).toEqual([expect.stringContaining("the play button or Ctrl-Enter")]);
  await page.getByRole("button", { name: "New tab" }).click();
  await hints.getByText("Type an operation, or open one from the Examples.").waitFor();
  await page.locator(".graphiql-query-editor").getByRole("textbox").focus();
  await page.keyboard.type("query Mine {");
  await page.getByRole("tab", { name: "Mine" }).waitFor();
  expect(await hints.count()).toBe(1);
  expect(complaints).toEqual([]);
});

test("the first example runs from the keyboard and shows Alice protected, with status and time", async () => {
  const { page, complaints } = await visitPlayground(gatewayUrl);
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
  await page.getByText(/^HTTP 200 in \d+ ms$/).waitFor();
  expect(complaints).toEqual([]);
});

test("the example of an error shows the typed error, and the Errors button a badge", async () => {
  const { page, complaints } = await visitPlayground(gatewayUrl);
  await openExample(page, "Error: the user has no phone.");
  const badge = page.getByRole("button", { name: "Show Errors" }).locator(".badge");
  expect(await badge.count()).toBe(0);
  await page.locator(".graphiql-execute-button").click();
  expect(await response(page)).toMatchObject({
    errors: [{ extensions: { code: "USER_NOT_BIND_PHONE", category: "PRECONDITION", retryable: false } }],
  });
  await expect.poll(() => badge.textContent()).toBe("1");
  await page.getByRole("tab", { name: "SwitchProtectionOn" }).getByRole("button").first().click();
  await badge.waitFor({ state: "detached" });
  await openExample(page, "Get errors as data");
  await page.locator(".graphiql-execute-button").click();
  await badge.waitFor();
  expect(complaints).toEqual([]);
});

test("a second visit restores edits and tabs, and a closed panel stays closed", async () => {
  const { page, complaints } = await visitPlayground(gatewayUrl);
  const tabs = await page.getByRole("tab").count();
  await page.locator(".graphiql-query-editor .view-line").first().click();
  await page.keyboard.press("Control+Home");
  await page.keyboard.type("# mine\n");
  await page.getByRole("button", { name: "Hide Examples" }).click();
  await page.getByRole("button", { name: "New tab" }).click();
  await expect.poll(() => storedTabs(page)).toMatchObject({ activeTabIndex: tabs });

  const again = await openPlayground(page.context(), gatewayUrl);
  expect(await again.page.getByRole("tab").count()).toBe(tabs + 1);
  expect(await again.page.getByRole("button", { name: "Show Examples" }).count()).toBe(1);
  await again.page.getByRole("tab", { name: "SwitchProtectionOn" }).getByRole("button").first().click();
  await expect.poll(() => editorText(again.page, "operation.graphql")).toMatch(/^# mine\n/);
  expect([...complaints, ...again.complaints]).toEqual([]);
});

test("the Examples panel opens the original example and keeps the visitor's version", async () => {
  const { page, complaints } = await visitPlayground(gatewayUrl);
  await page.locator(".graphiql-query-editor .view-line").first().click();
  await page.keyboard.press("Control+Home");
  await page.keyboard.type("# mine\n");
  const panel = page.getByRole("region", { name: "Examples" });
  await panel.getByRole("button", { name: "Switch protection on" }).click();
  await expect.poll(() => editorText(page, "operation.graphql")).toMatch(/^# Switch protection on/);
  await expect.poll(() => page.getByRole("tab", { name: "SwitchProtectionOn" }).count()).toBe(2);
  await page.getByRole("tab", { name: "SwitchProtectionOn" }).first().getByRole("button").first().click();
  await expect.poll(() => editorText(page, "operation.graphql")).toMatch(/^# mine\n/);
  expect(complaints).toEqual([]);
});

test("the Errors panel explains the error in the result first, and opens examples of other errors", async () => {
  const { page, complaints } = await visitPlayground(gatewayUrl);
  await openExample(page, "Error: the account locks this user's protection.");
  await page.locator(".graphiql-execute-button").click();
  await response(page);
  await page.getByRole("button", { name: "Show Errors" }).click();
  const entries = page.getByRole("region", { name: "Errors" }).getByRole("listitem");
  await entries.first().getByText("USER_UNBIND_NO_PERMISSION").waitFor();
  expect(await page.locator(".error-in-response").count()).toBe(1);
  expect(await entries.count()).toBeGreaterThan(20);
  await entries.first().getByText("What to do: Ask the owner").waitFor();
  const bound = entries.filter({ hasText: "USER_NOT_BIND_PHONE" });
  await bound.getByRole("button", { name: "Open the example UserNotBindPhone" }).click();
  await expect.poll(() => editorText(page, "operation.graphql")).toContain("mutation UserNotBindPhone");
  expect(complaints).toEqual([]);
});

test("the editor has the schema: the documentation opens and a wrong field is underlined", async () => {
  const { page, complaints } = await visitPlayground(gatewayUrl);
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
  const url = await startGatewayToVisit({ PLAYGROUND: "off" });
  for (const address of [url, `${url}-playground/assets/index.js`]) {
    const answer = await fetch(address, { headers: { accept: browserAccept } });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.headers.get("content-type")).not.toContain("text/html");
    expect(await answer.text()).not.toContain("<html");
  }
});

test("the documentation hides what federation adds, and opens each type at its top", async () => {
  const { page, complaints } = await visitPlayground(gatewayUrl, { width: 1280, height: 500 });
  await page.getByRole("button", { name: "Show Documentation Explorer" }).click();
  const documentation = page.getByRole("region", { name: "Documentation Explorer" });
  await documentation.getByText("SubUserMfa", { exact: true }).waitFor();
  expect(await documentation.textContent()).not.toMatch(/_Service|_Any|_Entity|link__|federation__/);
  const plugin = page.locator(".graphiql-plugin");
  await documentation.getByText("Uin", { exact: true }).scrollIntoViewIfNeeded();
  expect(await plugin.evaluate(({ scrollTop }) => scrollTop)).toBeGreaterThan(0);
  await documentation.getByText("SubUserMfa", { exact: true }).click();
  await expect.poll(() => plugin.evaluate(({ scrollTop }) => scrollTop)).toBe(0);
  await documentation.getByRole("link", { name: "Go back to Docs" }).click();
  await documentation.getByText("Query", { exact: true }).click();
  await documentation.getByText("subUsers").first().waitFor();
  expect(await documentation.textContent()).not.toMatch(/_service|_entities/);
  expect(complaints).toEqual([]);
});

/** Opens an example by its title in the Examples panel. */
async function openExample(page: Page, title: string): Promise<void> {
  await page.getByRole("region", { name: "Examples" }).getByRole("button", { name: title }).click();
}

function storedTabs(page: Page): Promise<unknown> {
  return page.evaluate(() => JSON.parse(localStorage.getItem("cam-mfa-gateway:graphiql:tabState") ?? "null"));
}
