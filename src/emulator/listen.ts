import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";

/** Listens and gives the address as a URL. A port that is taken is an error a person can act on. */
export async function listen(server: Server, host: string, port: number, purpose: string): Promise<string> {
  server.listen(port, host);
  try {
    await once(server, "listening");
  } catch (cause) {
    throw new Error(`The emulator's ${purpose} cannot listen on ${host}:${port}: ${explain(cause)}.`, {
      cause,
    });
  }
  const { port: actual } = server.address() as AddressInfo;
  return `http://${host.includes(":") ? `[${host}]` : host}:${actual}`;
}

/** Closes at once: whoever is waiting for a reply loses the connection. */
export async function close(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}

function explain(cause: unknown): string {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code === "EADDRINUSE") return "another program is already using that port";
  if (code === "EACCES") return "this user may not use that port";
  return cause instanceof Error ? cause.message : String(cause);
}
