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
