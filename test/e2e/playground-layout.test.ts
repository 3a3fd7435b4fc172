import type { Locator, Page } from "playwright-core";
import { beforeAll, expect, test } from "vitest";
import {
  buildPlayground,
  editorText,
  response,
  startGatewayToVisit,
  visitPlayground,
} from "../support/visit-playground.ts";

let gatewayUrl: string;

beforeAll(async () => {
  await buildPlayground();
  gatewayUrl = await startGatewayToVisit();
});

test("arrows show and open the tabs beyond the edge", async () => {
  const { page, complaints } = await visitPlayground(gatewayUrl);
  const examples = page.getByRole("region", { name: "Examples" }).getByRole("button");
  for (const example of (await examples.all()).slice(0, 10)) await example.click();
  await page.getByRole("tab").first().getByRole("button").first().click();
  const last = page.getByRole("tab").last();
  const [earlier, later] = ["earlier", "later"].map((side) =>
    page.getByRole("button", { name: `Scroll to ${side} tabs` }),
  ) as [Locator, Locator];
  await expect.poll(() => earlier.getAttribute("aria-disabled")).toBe("true");
  expect(await isInView(last)).toBe(false);
  while (!(await isInView(last))) await later.click();
  await expect.poll(() => later.getAttribute("aria-disabled")).toBe("true");
  expect(await earlier.getAttribute("aria-disabled")).toBe("false");
  expect(complaints).toEqual([]);
});

test("icons have names", async () => {
  const { page } = await visitPlayground(gatewayUrl);
  // Only a second tab has a button that closes it.
  await page.getByRole("region", { name: "Examples" }).getByRole("button").last().click();
  await page.locator("svg > title", { hasText: "close icon" }).first().waitFor({ state: "attached" });
  const names = await page.locator("svg > title").allTextContents();
  expect(names).toEqual(
    expect.arrayContaining(["play icon", "prettify icon", "settings icon", "close icon"]),
  );
});

test("on a phone the editor is above the result, and an open panel covers both", async () => {
  const { page, complaints } = await visitPlayground(gatewayUrl, { width: 390, height: 844 });
  expect(await page.getByRole("region", { name: "Examples" }).count()).toBe(0);
  await page.locator(".graphiql-execute-button").click();
  await response(page);
  const [editor, result] = await Promise.all([
    boxOf(page, ".graphiql-editors"),
    boxOf(page, ".result-window"),
  ]);
  expect(Math.min(editor.width, result.width)).toBeGreaterThan(350);
  expect(Math.min(editor.height, result.height)).toBeGreaterThan(250);
  expect(result.y).toBeGreaterThanOrEqual(editor.y + editor.height);

  await page.getByRole("button", { name: "Show editor tools" }).click();
  const [variables, below] = await Promise.all([
    boxOf(page, ".graphiql-editor-tool"),
    boxOf(page, ".result-window"),
  ]);
  expect(variables.height).toBeGreaterThan(90);
  expect(variables.y + variables.height).toBeLessThanOrEqual(below.y);

  for (const panel of ["Documentation Explorer", "Examples", "Errors", "History"]) {
    await page.getByRole("button", { name: `Show ${panel}` }).click();
    expect(await boxOf(page, ".graphiql-plugin")).toMatchObject({ x: 0, width: 390 });
  }
  await page.getByRole("button", { name: "Show Errors" }).click();
  await page.getByRole("button", { name: "Open the example UserNotBindWechat" }).click();
  await expect.poll(() => editorText(page, "operation.graphql")).toContain("mutation UserNotBindWechat");
  await page.locator(".graphiql-execute-button").click();
  await expect
    .poll(() => response(page))
    .toMatchObject({ errors: [{ extensions: { code: "USER_NOT_BIND_WECHAT" } }] });
  expect(complaints).toEqual([]);
});

test("on a tablet a panel is next to editor and result, and code lines do not wrap", async () => {
  const { page, complaints } = await visitPlayground(gatewayUrl, { width: 768, height: 1024 });
  await page.getByRole("button", { name: "Show Errors" }).click();
  await page.locator(".error").first().waitFor();
  const [panel, editor] = await Promise.all([
    boxOf(page, ".graphiql-plugin"),
    boxOf(page, ".graphiql-editors"),
  ]);
  expect(panel.x + panel.width).toBeLessThanOrEqual(editor.x);
  expect(editor.width).toBeGreaterThan(400);
  expect(
    await page
      .locator(".graphiql-plugin")
      .evaluate(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth),
  ).toBe(0);
  expect(complaints).toEqual([]);
});

async function boxOf(page: Page, selector: string) {
  const box = await page.locator(selector).boundingBox();
  if (box === null) throw new Error(`${selector} is not to be seen.`);
  return box;
}

/** Returns whether a tab is completely visible. */
function isInView(tab: Locator): Promise<boolean> {
  return tab.evaluate((element) => {
    const strip = element.closest(".graphiql-tabs")?.getBoundingClientRect();
    const { left, right } = element.getBoundingClientRect();
    return strip !== undefined && left >= strip.left && right <= strip.right + 1;
  });
}
