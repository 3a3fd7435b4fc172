import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  request,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { whenOver } from "../../support/when-over.ts";

/** Listens on a free port until the end of the test. */
export async function listenUntilOver(listener: RequestListener): Promise<string> {
  // With a short keep-alive timeout, an idle connection could end just when a request uses it.
  const server = createServer({ keepAliveTimeout: 600_000 }, listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  whenOver(async () => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A relay in front of several gateways, so that a router needs only one address. */
export interface Relay {
  readonly url: string;
  /** Forwards requests about these users to this gateway from now on, with these headers. */
  route(users: readonly string[], gatewayUrl: string, headersOf?: (user: string) => Headers): void;
  /** Returns the number of requests about a user. */
  received(user: string): number;
  /** Returns the headers of the last request about a user. */
  headersOf(user: string): IncomingHttpHeaders;
  /** Breaks the connection instead of giving the next answers about a user. */
  loseAnswers(user: string, count: number): void;
}

type Headers = Readonly<Record<string, string>>;

interface Target {
  readonly url: string;
  readonly headers: Headers;
}

export async function startRelay(): Promise<Relay> {
  const targets = new Map<string, Target>();
  const received = new Map<string, number>();
  const toLose = new Map<string, number>();
  const lastHeaders = new Map<string, IncomingHttpHeaders>();
  const origin = await listenUntilOver(async (message, response) => {
    const body = await buffer(message);
    // The user is in a variable, or in the text of the operation, where its quotes are escaped.
    const [user = ""] = /(?<=")\d{12}(?=\\?")/.exec(body.toString()) ?? [];
    const target = targets.get(user);
    if (target === undefined) return void response.writeHead(404).end();
    received.set(user, (received.get(user) ?? 0) + 1);
    lastHeaders.set(user, message.headers);
    const isLost = (toLose.get(user) ?? 0) > 0;
    if (isLost) toLose.set(user, (toLose.get(user) ?? 0) - 1);
    forward(target, message, body, response, isLost);
  });
  return {
    url: `${origin}/graphql`,
    route(users, url, headersOf = () => ({})) {
      for (const user of users) targets.set(user, { url, headers: headersOf(user) });
    },
    received: (user) => received.get(user) ?? 0,
    headersOf: (user) => lastHeaders.get(user) ?? {},
    loseAnswers: (user, count) => void toLose.set(user, count),
  };
}

function forward(
  target: Target,
  message: IncomingMessage,
  body: Buffer,
  response: ServerResponse,
  isLost: boolean,
): void {
  const { method = "POST", headers } = message;
  const all = { ...headers, ...target.headers };
  const onward = request(target.url, { method, headers: all, agent: false }, (reply) => {
    if (isLost) {
      reply.resume().once("end", () => response.destroy());
      return;
    }
    response.writeHead(reply.statusCode ?? 502, reply.headers);
    reply.pipe(response);
  });
  onward.on("error", () => response.destroy());
  onward.end(body);
}
