import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { whenOver } from "./when-over.ts";

/** Creates a folder for a test, or for a file if called outside a test. It is deleted afterwards. */
export async function temporaryFolder() {
  const path = await mkdtemp(join(tmpdir(), "cam-mfa-gateway-"));
  whenOver(() => rm(path, { recursive: true }));
  return {
    path,
    /** Writes a file and gives its path. Replaces it at once, because a gateway may read it at any time. */
    async write(name: string, text: string | Uint8Array): Promise<string> {
      const file = join(path, name);
      await writeFile(`${file}.new`, text);
      await rename(`${file}.new`, file);
      return file;
    },
    /** Where a file would be. */
    at: (name: string): string => join(path, name),
  };
}
