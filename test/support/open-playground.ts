import type { BrowserContext, Page } from "playwright-core";

/** A visited page, with its errors and its requests to other hosts. */
export interface OpenPlayground {
  page: Page;
  /** Console messages, uncaught errors, violations of the security policy, requests to other hosts. */
  complaints: string[];
}

/** Opens the playground of a GraphQL endpoint and waits until the editor is ready. */
export async function openPlayground(context: BrowserContext, url: string): Promise<OpenPlayground> {
  const page = await context.newPage();
  const complaints = watch(page, new URL(url).host);
  await page.goto(url);
  await page.locator(".graphiql-query-editor .view-line").first().waitFor();
  return { page, complaints };
}

function watch(page: Page, ownHost: string): string[] {
  const complaints: string[] = [];
  page.on("request", (request) => {
    const { protocol, host } = new URL(request.url());
    if (host !== ownHost && protocol !== "data:") {
      complaints.push(`request to ${request.url()}`);
    }
  });
  // A built page has nothing to say; Chromium reports violations of the content security policy here too.
  page.on("console", (message) => complaints.push(`console ${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => complaints.push(`uncaught ${error.message}`));
  return complaints;
}
