/** Records what installed routers do to the gateway's errors: `npm run record:routers`. See docs/adr/0010. */
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { parseArgs } from "node:util";

const USAGE = `Usage: npm run record:routers -- [--cosmo PATH] [--apollo PATH] [--hive PATH]

Starts each given program (Cosmo Router, Apollo Router, Hive Router) in front of the gateway, once with each
configuration, and writes what it answered to test/vectors/routers/. For Cosmo it runs wgc by npx.`;

const options = { cosmo: { type: "string" }, apollo: { type: "string" }, hive: { type: "string" } } as const;

function readPrograms(): Readonly<Record<string, string>> | undefined {
  try {
    const { values } = parseArgs({ options: { ...options, help: { type: "boolean" } } });
    const { help, ...programs } = values;
    if (help === true || Object.keys(programs).length === 0) return undefined;
    return Object.fromEntries(Object.entries(programs).map(([name, path]) => [name, resolve(path)]));
  } catch (error) {
    console.error((error as Error).message);
    return undefined;
  }
}

const programs = readPrograms();
if (programs === undefined) {
  console.log(USAGE);
  process.exitCode = 64;
} else {
  const env = { ...process.env, RECORD_ROUTERS: JSON.stringify(programs) };
  const { status } = spawnSync("npx", ["vitest", "run", "--project", "record"], { stdio: "inherit", env });
  process.exitCode = status ?? 1;
}
