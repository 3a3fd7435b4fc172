import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const packageFile = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** The compiled gateway, as in production. */
export const GATEWAY_MAIN = packageFile("dist/main.js");

/** Builds `dist/` from the current source. */
export async function buildGateway(): Promise<void> {
  const build = spawn(process.execPath, [packageFile("scripts/build-if-needed.mjs")], { stdio: "inherit" });
  const [exitCode] = await once(build, "exit");
  if (exitCode !== 0) throw new Error("The build of the gateway failed, so the benchmark cannot run.");
}
