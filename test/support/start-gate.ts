import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { whenOver } from "./when-over.ts";

/** A gate in front of the emulator that a test can close, to control the duration of a call. */
export interface Gate {
  readonly url: string;
  /** Holds every call of the action from now on, until released. */
  hold(action: string): HeldCalls;
}

export interface HeldCalls {
  /** Resolves when the first one stands before the door. */
  readonly arrived: Promise<void>;
  /** Lets them pass, and all that follow. */
  release(): void;
  /** Lets all that follow pass, and keeps those that stand there. */
  passOthers(): void;
}

export async function startGate(targetUrl: string): Promise<Gate> {
  const held = new Map<string, { arrive(): void; readonly open: Promise<void> }>();
  const server = createServer(async (message, response) => {
    const body = await buffer(message);
    const hold = held.get(String(message.headers["x-tc-action"]));
    hold?.arrive();
    await hold?.open;
    forward(targetUrl, message, body, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  whenOver(async () => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    hold(action) {
      const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
      const { promise: open, resolve } = Promise.withResolvers<void>();
      held.set(action, { arrive, open });
      const release = (): void => {
        held.delete(action);
        resolve();
      };
      return { arrived, release, passOthers: () => held.delete(action) };
    },
  };
}

/** Unchanged headers, because the signature covers the Host. */
function forward(targetUrl: string, message: IncomingMessage, body: Buffer, response: ServerResponse): void {
  const { method = "POST", url = "/", headers } = message;
  const onward = httpRequest(`${targetUrl}${url}`, { method, headers }, (reply) => {
    response.writeHead(reply.statusCode ?? 502, reply.headers);
    reply.pipe(response);
  });
  onward.on("error", () => response.destroy());
  onward.end(body);
}
