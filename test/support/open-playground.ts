import type { BrowserContext, Page } from "playwright-core";
import { watchPage } from "./watch-page.ts";

/** A visited page, with its errors and its requests to other hosts. */
export interface OpenPlayground {
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
