import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

/** A committed file whose whole text follows from the code. */
export interface Artefact {
  /** Relative to the root of the repository, with forward slashes. */
  readonly path: string;
  /** The whole text. The same code always gives the same bytes. */
  render(): string | Promise<string>;
}

export interface GenerateOptions {
  /** The folder that the artefacts' paths start from. */
  readonly root: string;
  /** Compare and write nothing. */
  readonly check: boolean;
  readonly print: (line: string) => void;
}

/**
 * Writes the artefacts that differ from the disk, or only lists them with `check`. Returns the exit code: 1 if `check`
 * found a stale file, else 0. Current files are not touched, so that nothing rebuilds.
 */
export async function generate(artefacts: readonly Artefact[], options: GenerateOptions): Promise<0 | 1> {
  const { root, check, print } = options;
  let stale = 0;
  for (const { path, render } of artefacts) {
    const file = join(root, path);
    const [text, present] = await Promise.all([render(), readIfPresent(file)]);
    if (text === present) continue;
    stale += 1;
    if (check) {
      print(`${path} ${present === undefined ? "is missing" : "is out of date"}.`);
      continue;
    }
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
    print(`${path} written.`);
  }
  if (stale === 0) print(`All ${artefacts.length} generated files are up to date.`);
  if (stale === 0 || !check) return 0;
  print("Run `npm run generate` and commit the result.");
  return 1;
}

async function readIfPresent(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
