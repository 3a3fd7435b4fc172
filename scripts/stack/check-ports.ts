import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Returns a message with the ports in use and the flag of each, or undefined if all are free. Checks all ports before
 * any part starts, because the parts do not know the flags.
 */
export async function describeTakenPorts(
  ports: Readonly<Record<string, string>>,
): Promise<string | undefined> {
  const given = Object.entries(ports).filter(([, port]) => Number(port) !== 0);
  const servers = given.map(() => createServer());
  const taken = await Promise.all(
    given.map(async ([flag, port], index) => {
      const server = servers[index]?.listen(Number(port), "127.0.0.1");
      try {
        if (server !== undefined) await once(server, "listening");
        return undefined;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
        return `127.0.0.1:${port} (--${flag})`;
      }
    }),
  );
  // Only now, so that a port that is given twice shows as well.
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  const named = taken.filter((name) => name !== undefined);
  if (named.length === 0) return undefined;
  return `Already in use: ${named.join(", ")}. Stop what listens there, such as npm start, or give another port by that flag (0 takes a free one).`;
}
