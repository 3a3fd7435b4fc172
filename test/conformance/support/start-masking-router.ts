import type { IncomingMessage } from "node:http";
import { json } from "node:stream/consumers";
import type { Subgraph } from "../../../scripts/federated/subgraph.ts";
import { listenUntilOver } from "./start-relay.ts";
import type { Mask, WireError } from "./wire-error.ts";

/** Headers that this router forwards to a subgraph. */
const FORWARDED = ["authorization", "x-request-id", "idempotency-key"];

/**
 * A stub of a router that npm does not have: forwards each operation to its only subgraph and applies the mask to the
 * errors. Returns its address.
 */
export async function startMaskingRouter({ name, url }: Subgraph, mask: Mask): Promise<string> {
  const origin = await listenUntilOver((message, response) => {
    ask(message, { name, url }, mask).then(
      (reply) => response.setHeader("content-type", "application/json").end(reply),
      (error: Error) => response.writeHead(502).end(error.message),
    );
  });
  return `${origin}/graphql`;
}

async function ask(
  message: IncomingMessage,
  { name, url }: Pick<Subgraph, "name" | "url">,
  mask: Mask,
): Promise<string> {
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
  return JSON.stringify({ data, ...(errors.length === 0 ? {} : { errors: mask(errors, name) }) });
}
