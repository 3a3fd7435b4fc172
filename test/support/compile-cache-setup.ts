import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The folder of compiled code, for the programs of a run and not for the test processes. */
export const COMPILED_DIR = "COMPILED_DIR";

/** Creates the folder for one run. Programs in temporary folders would fill a folder that lasts. */
export async function setup(): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), "compiled-"));
  process.env[COMPILED_DIR] = folder;
  // A program that a test has killed may still write.
  return () => rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
}
