import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { promisify } from "node:util";
import type { AxeResults } from "axe-core";
import type { BrowserContextOptions, Page } from "playwright-core";
import { openBrowserContext } from "./start-chromium.ts";
import { watchPage } from "./visit-playground.ts";

const root = join(import.meta.dirname, "../..");

/** Builds the console from the current sources. */
export async function buildConsole(): Promise<void> {
  await promisify(execFile)(process.execPath, [join(root, "scripts/build-if-needed.mjs"), "console"]);
}

/** Opens the console of a gateway, as a first visit. */
export async function visitConsole(
  graphqlUrl: string,
  options: BrowserContextOptions & { issuer?: string } = {},
) {
  const { issuer, ...contextOptions } = options;
  const context = await openBrowserContext({
    viewport: { width: 1280, height: 800 },
    reducedMotion: "reduce",
    ...contextOptions,
  });
  const page = await context.newPage();
  const hosts = [graphqlUrl, ...(issuer === undefined ? [] : [issuer])].map((url) => new URL(url).host);
  const complaints = watchPage(page, ...hosts);
  const url = new URL("/console", graphqlUrl).href;
  await page.goto(url);
  return { page, complaints, url };
}

/** Returns the findings of axe about the page that are serious or critical. */
export async function seriousFindings(page: Page): Promise<readonly string[]> {
  // The page's policy forbids a script of the test, so the browser runs it outside the page's policy.
  const source = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
  await page.evaluate(source);
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
  );
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}

/** Returns whether the page is wider than its window, so that it scrolls sideways. */
export function scrollsSideways(page: Page): Promise<boolean> {
  return page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
}
