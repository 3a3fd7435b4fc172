import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { pipeline } from "node:stream/promises";

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

interface Relay {
  /** The address on which it listens, with the real port. */
  readonly address: Endpoint;
  /**
   * Accepts no more connections, and closes those that sent no data, as browsers keep for later. Resolves once the
   * others have ended.
   */
  stop(): Promise<void>;
}

/** Loopback refuses a connection without delay. A longer silence means that the target hangs. */
const CONNECT_TIMEOUT_MS = 1_000;

/**
 * Forwards connections to the targets in turn, byte for byte. It skips a target that refuses the connection, which is
 * safe because it has sent nothing yet. It never sends bytes twice. With no target left it closes the connection.
 */
export async function startRelay(listen: Endpoint, targets: readonly Endpoint[]): Promise<Relay> {
  let turn = 0;
  const clients = new Set<Socket>();
  const server = createServer(
    { allowHalfOpen: true, pauseOnConnect: true, noDelay: true },
    async (client) => {
      const first = turn++;
      clients.add(client.once("close", () => clients.delete(client)));
      // A client may disconnect during the search for a target. join() handles it.
      client.on("error", () => {});
      const target = await connectToFirst(
        targets.map((_, index) => targets[(first + index) % targets.length]),
      );
      if (target === undefined) client.destroy();
      else await join(client, target);
    },
  );
  server.listen(listen.port, listen.host);
  await once(server, "listening");
  return {
    address: { host: listen.host, port: (server.address() as AddressInfo).port },
    stop: async () => {
      const closed = once(server, "close");
      server.close();
      for (const client of clients) if (client.bytesRead === 0) client.destroy();
      await closed;
    },
  };
}

async function connectToFirst(targets: readonly (Endpoint | undefined)[]): Promise<Socket | undefined> {
  for (const target of targets) {
    const socket = target && (await tryConnect(target));
    if (socket !== undefined) return socket;
  }
  return undefined;
}

async function tryConnect({ host, port }: Endpoint): Promise<Socket | undefined> {
  const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
  try {
    await once(socket, "connect", { signal: AbortSignal.timeout(CONNECT_TIMEOUT_MS) });
    return socket;
  } catch {
    socket.destroy();
    return undefined;
  }
}

/** Forwards each side to the other, with its end. If one side breaks, closes both. */
async function join(client: Socket, target: Socket): Promise<void> {
  await Promise.allSettled([pipeline(client, target), pipeline(target, client)]);
}
