/** Loses CAM's reply to one change on purpose: `npm run demo:lost-reply`. See docs/operators/follow-a-lost-reply.md. */
import { requestToken } from "./stack/personas.ts";
import { runParts } from "./stack/run-parts.ts";
import { parseStackOptions, Stack, type StackAddresses } from "./stack/stack.ts";

const USAGE = `Usage: npm run demo:lost-reply -- [flags]

Starts the stack (npm run stack), makes the emulated CAM lose its reply to one change, and makes that change.
The flags are those of npm run stack.`;

const REQUEST_ID = "lost-reply-demo";
const JSON_BODY = { "content-type": "application/json" };
const query = `mutation { setSubUserMfa(opUin: "100021969091", login: { phone: true }) { resolvedBy } }`;

async function post(url: string, body: object, headers: Readonly<Record<string, string>> = JSON_BODY) {
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${url} answered ${response.status}.`);
  return response.text();
}

async function loseAReply(
  { url, issuer, control }: StackAddresses,
  say: (line: string) => void,
): Promise<void> {
  await post(`${control}/faults`, { kind: "cutAfter", action: "SetMfaFlag", times: 1 });
  const authorization = `Bearer ${await requestToken(issuer, "clerk")}`;
  const headers = { ...JSON_BODY, authorization, "x-request-id": REQUEST_ID };
  say(`The caller got ${(await post(url, { query }, headers)).trim()}`);
}

await runParts({
  usage: USAGE,
  parse: parseStackOptions,
  create: (options, print) => new Stack(options, print, loseAReply),
});
