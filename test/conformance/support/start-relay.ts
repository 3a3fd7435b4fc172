import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  request,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { whenOver } from "../../support/when-over.ts";

/** Listens on a free port until the test is over. */
export async function listenUntilOver(listener: RequestListener): Promise<string> {
  // A connection that ends for want of use could end just when it is used again.
  const server = createServer({ keepAliveTimeout: 600_000 }, listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  whenOver(async () => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Stands before several gateways, so that a router that knows one address can be used for all. */
export interface Relay {
  readonly url: string;
  /** Hands requests about these users to this gateway from now on, with these headers of whoever asks. */
  route(users: readonly string[], gatewayUrl: string, headersOf?: (user: string) => Headers): void;
}

type Headers = Readonly<Record<string, string>>;

interface Target {
  readonly url: string;
  readonly headers: Headers;
}

export async function startRelay(): Promise<Relay> {
  const targets = new Map<string, Target>();
  const origin = await listenUntilOver(async (message, response) => {
    const body = await buffer(message);
    const [user] = /(?<=")\d{12}(?=")/.exec(body.toString()) ?? [];
    const target = targets.get(user ?? "");
    if (target === undefined) return void response.writeHead(404).end();
    forward(target, message, body, response);
  });
  return {
    url: `${origin}/graphql`,
    route(users, url, headersOf = () => ({})) {
      for (const user of users) targets.set(user, { url, headers: headersOf(user) });
    },
  };
}

function forward(target: Target, message: IncomingMessage, body: Buffer, response: ServerResponse): void {
  const { method = "POST", headers } = message;
  const all = { ...headers, ...target.headers };
  const onward = request(target.url, { method, headers: all, agent: false }, (reply) => {
    response.writeHead(reply.statusCode ?? 502, reply.headers);
    reply.pipe(response);
  });
  onward.on("error", () => response.destroy());
  onward.end(body);
}
