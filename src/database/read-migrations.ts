import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

export interface MigrationFile {
  /** `NNNN_name`, by which migrations are ordered. */
  readonly name: string;
  readonly text: string;
  /** SHA-256 of the text in hex, whatever ends its lines: a checkout may have changed that. */
  readonly checksum: string;
}

/** The migrations of a folder, in order. Other files are left alone. */
export async function readMigrations(dir: string): Promise<readonly MigrationFile[]> {
  const files = (await readdir(dir)).filter((file) => /^\d{4}_\w+\.sql$/.test(file)).sort();
  return Promise.all(
    files.map(async (file) => {
      const text = (await readFile(join(dir, file), "utf8")).replaceAll("\r\n", "\n");
      const checksum = createHash("sha256").update(text).digest("hex");
      return { name: file.replace(/\.sql$/, ""), text, checksum };
    }),
  );
}
