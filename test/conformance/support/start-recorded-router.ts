import type { IncomingMessage } from "node:http";
import { json } from "node:stream/consumers";
import type { Subgraph } from "../../../scripts/federated/subgraph.ts";
import { applyRule, type RouterRule } from "./router-rule.ts";
import { listenUntilOver } from "./start-relay.ts";
import type { WireError } from "./wire-error.ts";

/** Headers that this router forwards to a subgraph. */
const FORWARDED = ["authorization", "x-request-id", "idempotency-key"];

/**
 * Plays a recorded router: forwards each operation to its only subgraph and does to the errors what the rule says. Returns
 * its address.
 */
export async function startRecordedRouter({ url }: Subgraph, rule: RouterRule): Promise<string> {
  const origin = await listenUntilOver((message, response) => {
    ask(message, url, rule).then(
      (reply) => response.setHeader("content-type", "application/json").end(reply),
      (error: Error) => response.writeHead(502).end(error.message),
    );
  });
  return `${origin}/graphql`;
}

async function ask(message: IncomingMessage, url: string, rule: RouterRule): Promise<string> {
  const forwarded = FORWARDED.flatMap((header) => {
    const value = message.headers[header];
    return typeof value === "string" ? [[header, value] as const] : [];
  });
  const reply = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...Object.fromEntries(forwarded) },
    body: JSON.stringify(await json(message)),
  });
  const { data, errors = [] } = (await reply.json()) as { data?: unknown; errors?: WireError[] };
  return JSON.stringify({ data, ...(errors.length === 0 ? {} : { errors: applyRule(rule, errors) }) });
}
