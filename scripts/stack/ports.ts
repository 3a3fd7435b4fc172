import { once } from "node:events";
import { createServer } from "node:net";
import { parseArgs } from "node:util";

/**
 * Reads a command line of ports: one flag for each name, with its default.
 *
 * @returns the ports, or undefined for --help. @throws Error with the mistake.
 */
export function parsePorts<Name extends string>(
  argv: readonly string[],
  defaults: Readonly<Record<Name, string>>,
): Readonly<Record<Name, string>> | undefined {
  const flags = Object.entries<string>(defaults).map(([name, port]) => [
    name,
    { type: "string", default: port } as const,
  ]);
  const help = { type: "boolean", short: "h", default: false } as const;
  const { values } = parseArgs({ args: [...argv], options: { ...Object.fromEntries(flags), help } });
  const { help: isAsked, ...ports } = values as Record<string, string | boolean>;
  if (isAsked) return undefined;
  const wrong = Object.entries(ports).filter(
    ([, port]) => !/^\d{1,5}$/.test(String(port)) || Number(port) > 65_535,
  );
  if (wrong.length > 0) throw new Error(`Not a port: ${wrong.map(([name]) => `--${name}`).join(", ")}.`);
  return ports as Record<Name, string>;
}

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
