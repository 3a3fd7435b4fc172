import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

/** Returns a loopback port without a listener. */
export async function closedPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
