import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Returns a loopback port without a listener. The port is below those that systems give to sockets, so no other socket
 * gets it until the caller uses it.
 */
export async function closedPort(): Promise<number> {
  const server = createServer();
  for (;;) {
    const port = randomInt(11_000, 32_768);
    try {
      await once(server.listen(port, "127.0.0.1"), "listening");
    } catch {
      // A program has it.
      continue;
    }
    server.close();
    await once(server, "close");
    return port;
  }
}
