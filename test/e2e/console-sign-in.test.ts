import { join } from "node:path";
import type { Page } from "playwright-core";
import { beforeAll, expect, test } from "vitest";
import { AUDIENCE } from "../../scripts/stack/personas.ts";
import { startLocalGateway } from "../support/start-gateway.ts";
import { startProgram } from "../support/start-program.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { buildConsole, seriousFindings, visitConsole } from "../support/visit-console.ts";
import { whenOver } from "../support/when-over.ts";

const root = join(import.meta.dirname, "../..");

/** The sign-in page of the demo issuer asks for fonts of another host, which the browser of the tests cannot reach. */
const FONTS_OF_ISSUER = /^request to https:\/\/fonts\.|net::ERR_NAME_NOT_RESOLVED$/;

let issuer: string;
let gatewayUrl: string;

beforeAll(async () => {
  await buildConsole();
  issuer = await startDemoIssuer();
  const gateway = await startLocalGateway({
    AUTH_ISSUER: issuer,
    AUTH_AUDIENCE: AUDIENCE,
    CONSOLE_CLIENT_ID: "console",
    POLICY_FILE: join(root, "deploy/compose/policy.yaml"),
    DATA_DIR: (await temporaryFolder()).path,
    BULK_GUARD_USERS: "1",
  });
  whenOver(() => gateway.stop());
  gatewayUrl = gateway.address.url;
});

test("a person signs in at the issuer, sees what their scopes allow, and signs out there", async () => {
  const { page, complaints } = await visitConsole(gatewayUrl, { issuer });
  await signIn(page, "clerk");
  await page.getByText("clerk").first().waitFor();
  expect(new URL(page.url()).search).toBe("");
  expect(await page.evaluate(() => JSON.stringify([{ ...sessionStorage }, { ...localStorage }]))).toBe(
    "[{},{}]",
  );
  await page.getByRole("link", { name: "Record" }).click();
  await page.getByText("You do not have the permission for this.").first().waitFor();
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.waitForURL(`${issuer}/session/end?**`);
  await page.getByRole("button", { name: "Yes, sign me out" }).click();
  await page.waitForURL(`${issuer}/session/end/success*`);
  expect(complaints.filter((complaint) => !FONTS_OF_ISSUER.test(complaint))).toEqual([]);
});

test("a clerk's change waits for approval, and the approver makes it", async () => {
  const ALICE_PAGE = "#/users/default/100021969091";
  const clerk = await visitConsole(gatewayUrl, { issuer });
  await signIn(clerk.page, "clerk");
  await clerk.page.evaluate((hash) => {
    location.hash = hash;
  }, ALICE_PAGE);
  await clerk.page.getByRole("switch", { name: "Login protection: Virtual MFA device" }).click();
  await clerk.page.getByLabel("Reason").fill("Lost her phone");
  await clerk.page.getByRole("button", { name: "Send the switch" }).click();
  await clerk.page.getByText("APPROVAL_REQUIRED").waitFor();

  const approver = await visitConsole(gatewayUrl, { issuer });
  await signIn(approver.page, "approver");
  await approver.page.getByRole("link", { name: "Approvals" }).click();
  await approver.page.getByText("By clerk: “Lost her phone”").waitFor();
  await approver.page.getByRole("button", { name: "Approve and make the change" }).click();
  await approver.page.getByText("No change awaits approval.").waitFor();
});

test("a clerk's rollout of more users than the bulk guard allows runs once the approver has read its plan", async () => {
  const clerk = await visitConsole(gatewayUrl, { issuer });
  await signIn(clerk.page, "clerk");
  await clerk.page.getByRole("button", { name: /without login protection/ }).click();
  await clerk.page.getByRole("link", { name: "Plan a rollout for these users" }).click();
  await clerk.page.getByLabel("Name").fill("Phones for all");
  await clerk.page.getByLabel("Reason").fill("Audit 2026");
  await clerk.page.getByLabel("Operation protection: SMS to the phone").selectOption("on");
  await clerk.page.getByRole("button", { name: "Plan", exact: true }).click();
  await clerk.page.getByRole("button", { name: /^Start: change \d+ users$/ }).click();
  await clerk.page.getByText("Another person has to approve this plan.").waitFor();
  await clerk.page.getByRole("button", { name: "Withdraw" }).waitFor();
  expect(await clerk.page.getByRole("button", { name: /^Approve/ }).count()).toBe(0);

  const approver = await visitConsole(gatewayUrl, { issuer });
  await signIn(approver.page, "approver");
  await approver.page.getByRole("link", { name: "Approvals" }).click();
  await approver.page.getByRole("link", { name: "Phones for all" }).click();
  await approver.page.getByText("Planned by clerk").waitFor();
  expect(await seriousFindings(approver.page)).toEqual([]);
  await approver.page.getByLabel("Reason").fill("Read the plan");
  await approver.page.getByRole("button", { name: /^Approve and change \d+ users$/ }).click();
  // The clerk's page follows by itself.
  await clerk.page.getByText("approved by approver").waitFor();
  await clerk.page.getByText("“Read the plan”").waitFor();
  await clerk.page.getByText("Done", { exact: true }).waitFor({ timeout: 60_000 });
  expect([...clerk.complaints, ...approver.complaints].filter((each) => !FONTS_OF_ISSUER.test(each))).toEqual(
    [],
  );
}, 120_000);

test("a reload forgets the token", async () => {
  const { page } = await visitConsole(gatewayUrl, { issuer });
  await signIn(page, "clerk");
  await page.reload();
  await page.getByRole("button", { name: "Sign in" }).waitFor();
});

test("an answer that this tab did not ask for does not sign in", async () => {
  const { page, url } = await visitConsole(gatewayUrl, { issuer });
  await page.getByRole("button", { name: "Sign in" }).waitFor();
  await page.goto(`${url}?code=stolen&state=other`);
  await page.getByText("This tab did not start the sign-in.").waitFor();
  expect(page.url()).toBe(url);
});

test("an answer with another state does not sign in", async () => {
  const { page, url } = await visitConsole(gatewayUrl, { issuer });
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.locator("input[name=login]").waitFor();
  await page.goto(`${url}?code=stolen&state=other&iss=${encodeURIComponent(issuer)}`);
  await page.getByText("The issuer did not complete the sign-in").waitFor();
});

async function signIn(page: Page, name: string): Promise<void> {
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.locator("input[name=login]").fill(name);
  await page.locator("input[name=password]").fill("any");
  await page.locator("button[type=submit]").click();
  await page.getByRole("heading", { name: "Users" }).waitFor();
}

/** Starts the identity provider of the stack on a free port. */
async function startDemoIssuer(): Promise<string> {
  const keys = join(root, "deploy/compose/secrets/issuer-keys");
  const program = startProgram(process.execPath, [join(root, "scripts/stack/issuer.ts"), keys, "0"]);
  return (await program.line(/^Issuer /)).replace("Issuer ", "");
}
