import { randomBytes } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { Webhook } from "standardwebhooks";
import { keepSecret } from "../support/leaks/written.ts";
import { whenOver } from "../support/when-over.ts";

/** A request that a receiver got. Its signature was verified. */
export interface Got {
  readonly id: string;
  readonly event: {
    readonly type: string;
    readonly timestamp: string;
    readonly data: Readonly<Record<string, unknown>>;
  };
  readonly headers: IncomingHttpHeaders;
}

export interface StartedReceiver {
  readonly origin: string;
  readonly port: number;
  readonly secret: string;
  /** All requests, in their order. */
  readonly got: readonly Got[];
  /** The requests whose signatures did not verify. */
  readonly forged: readonly unknown[];
  /** How it answers from now on. Default: 204. */
  answer: (got: Got, response: ServerResponse) => void | Promise<void>;
}

export function newSecret(): string {
  return keepSecret("a webhook secret", `whsec_${randomBytes(32).toString("base64")}`);
}

/** Starts a receiver of webhooks that verifies signatures with the library of Standard Webhooks. */
export async function startReceiver(tls?: {
  readonly cert: string;
  readonly key: string;
}): Promise<StartedReceiver> {
  const secret = newSecret();
  const [got, forged]: [Got[], unknown[]] = [[], []];
  const webhook = new Webhook(secret);
  const listener = async (request: IncomingMessage, response: ServerResponse) => {
    const body = await text(request);
    const headers = request.headers as Record<string, string>;
    try {
      got.push({
        id: headers["webhook-id"] ?? "",
        event: webhook.verify(body, headers) as Got["event"],
        headers,
      });
    } catch (error) {
      forged.push(error);
      response.writeHead(401).end();
      return;
    }
    await started.answer(got.at(-1) as Got, response);
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  whenOver(async () => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const started: StartedReceiver = {
    ...{ port, secret, got, forged },
    origin: `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}`,
    answer: (_got, response) => void response.writeHead(204).end(),
  };
  return started;
}
