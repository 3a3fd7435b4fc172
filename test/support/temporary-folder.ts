import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { whenOver } from "./when-over.ts";

/** A folder of its own for a test, or a file where it is asked for outside a test, gone when that is over. */
export async function temporaryFolder() {
  const path = await mkdtemp(join(tmpdir(), "cam-mfa-gateway-"));
  whenOver(() => rm(path, { recursive: true }));
  return {
    path,
    /** Writes a file and gives its path. */
    async write(name: string, text: string | Uint8Array): Promise<string> {
      const file = join(path, name);
      await writeFile(file, text);
      return file;
    },
    /** Where a file would be. */
    at: (name: string): string => join(path, name),
  };
}
