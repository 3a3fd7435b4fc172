import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const packageFile = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** The compiled gateway, which is what production runs. */
export const GATEWAY_MAIN = packageFile("dist/main.js");

/** Brings `dist/` up to date with the source, so that what is measured is what is there. */
export async function buildGateway(): Promise<void> {
  const build = spawn(process.execPath, [packageFile("scripts/build-if-needed.mjs")], { stdio: "inherit" });
  const [exitCode] = await once(build, "exit");
  if (exitCode !== 0) throw new Error("The gateway cannot be built, so there is nothing to measure.");
}
