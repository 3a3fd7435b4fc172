import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { ROOT } from "./compose-file.ts";
import type { Program } from "./start-program.ts";

export const FREE_PORTS = ["--port=0", "--emulator-port=0", "--control-port=0", "--issuer-port=0"];

export interface StackProgramAddresses {
  /** The GraphQL endpoint of the proxy. */
  readonly url: string;
  readonly gateways: readonly [string, string];
  readonly issuer: string;
  readonly cam: string;
  readonly control: string;
  /** As the gateways use it. */
  readonly database: string;
}

/** Returns all addresses that the stack prints, once all parts listen. */
export async function addressesOf(stack: Program): Promise<StackProgramAddresses> {
  const read = async (pattern: RegExp) => pattern.exec(await stack.line(pattern)) ?? [];
  const [, url = "", one = "", two = ""] = await read(/^stack +\| GraphQL +(\S+), by (\S+) and (\S+)/);
  const [, issuer = ""] = await read(/^stack +\| Tokens +(\S+),/);
  const [, cam = "", control = ""] = await read(/^stack +\| CAM +the emulator, (\S+); .* (\S+)/);
  const [, database = ""] = await read(/^stack +\| PostgreSQL +(\S+)/);
  return { url, gateways: [one, two], issuer, cam, control, database };
}

/** Runs commands of a page against a running stack, as in a checkout with the ports of the page. Returns their output. */
export async function runOnStack(
  { url, issuer, control }: StackProgramAddresses,
  commands: string,
  cwd: string,
): Promise<string> {
  const here = commands
    .replaceAll("http://127.0.0.1:4000/graphql", url)
    .replaceAll("http://127.0.0.1:4101", control)
    .replaceAll(/npm run (--silent stack:token -- \w+)/g, (_, rest: string) =>
      [`npm --prefix ${ROOT} run`, rest, `--issuer-port=${new URL(issuer).port}`].join(" "),
    );
  return (await promisify(execFile)("sh", ["-euc", here], { cwd })).stdout;
}
