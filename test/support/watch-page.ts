import type { Page } from "playwright-core";

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
