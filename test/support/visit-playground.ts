import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { BrowserContext, Page } from "playwright-core";
import { vi } from "vitest";
import { openBrowserContext } from "./start-chromium.ts";
import { startLocalGateway } from "./start-gateway.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { whenOver } from "./when-over.ts";

const root = join(import.meta.dirname, "../..");

/** Builds the playground from the current sources. */
export async function buildPlayground(): Promise<void> {
  await promisify(execFile)(process.execPath, [join(root, "scripts/build-if-needed.mjs"), "playground"]);
}

/** Opens the playground of a gateway in a window of the given size, as a first visit. */
export async function visitPlayground(url: string, viewport = { width: 1280, height: 720 }) {
  return openPlayground(await openBrowserContext({ viewport, reducedMotion: "reduce" }), url);
}

/** Returns the address of a local gateway, which stops after the test, or after the file if started outside a test. */
export async function startGatewayToVisit(env: Record<string, string> = {}): Promise<string> {
  const gateway = await startLocalGateway({ DATA_DIR: (await temporaryFolder()).path, ...env });
  whenOver(() => gateway.stop());
  return gateway.address.url;
}

/** Returns the whole content of an editor; the screen shows only the visible lines. */
export function editorText(page: Page, file: string): Promise<string | undefined> {
  return page.evaluate((name) => {
    const { __MONACO } = globalThis as unknown as { __MONACO: typeof import("monaco-editor") };
    const model = __MONACO.editor.getModels().find(({ uri }) => uri.path.endsWith(name));
    return model?.getValue();
  }, file);
}

/** Returns the text of the result pane. */
export function response(page: Page): Promise<unknown> {
  return vi.waitFor(async () => JSON.parse((await editorText(page, "response.json")) ?? ""), 10_000);
}

/** A visited page, with its errors and its requests to other hosts. */
interface OpenPlayground {
  page: Page;
  /** Console messages, uncaught errors, violations of the security policy, requests to other hosts. */
  complaints: string[];
}

/** Opens the playground of a GraphQL endpoint and waits until the editor is ready. */
export async function openPlayground(context: BrowserContext, url: string): Promise<OpenPlayground> {
  const page = await context.newPage();
  const complaints = watchPage(page, new URL(url).host);
  await page.goto(url);
  await page.locator(".graphiql-query-editor .view-line").first().waitFor();
  return { page, complaints };
}

/**
 * Returns a growing list of what a page must not do: console messages, uncaught errors, violations of the security policy,
 * requests to other hosts than the given ones.
 */
export function watchPage(page: Page, ...hosts: readonly string[]): string[] {
  const complaints: string[] = [];
  page.on("request", (request) => {
    const { protocol, host } = new URL(request.url());
    if (!hosts.includes(host) && protocol !== "data:") {
      complaints.push(`request to ${request.url()}`);
    }
  });
  // A built page has nothing to say; Chromium reports violations of the content security policy here too.
  page.on("console", (message) => complaints.push(`console ${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => complaints.push(`uncaught ${error.message}`));
  return complaints;
}
