import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A folder of the test's own, gone when it is over. */
export async function temporaryFolder() {
  const path = await mkdtemp(join(tmpdir(), "cam-mfa-gateway-"));
  onTestFinished(() => rm(path, { recursive: true }));
  return {
    path,
    /** Writes a file and gives its path. */
    async write(name: string, text: string): Promise<string> {
      const file = join(path, name);
      await writeFile(file, text);
      return file;
    },
    /** Where a file would be. */
    at: (name: string): string => join(path, name),
  };
}
