import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LeakFinder } from "./find-leaks.ts";
import { FIGURES_FILE, SECRETS_FILE, WRITTEN_DIR } from "./written.ts";

/** The keys of the emulator's seed. */
const SEEDED = [
  "LocalExampleSecretKey",
  "LocalExampleTemporaryKey",
  "LocalExampleToken",
  "LocalExampleMfaRequiredKey",
];

/**
 * The emulator prints its example key on purpose, in `npm run stack` with a prefix, and serves keys to instances.
 */
const IS_SAID_ON_PURPOSE =
  /^(emulator *\| )? *SecretKey +LocalExampleSecretKey$|^\{"Token":"[^"]+","TmpSecretId":"/;

/** Searches the output of a test run for all secrets of the run. A hit fails the run. */
export async function setup(): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), "written-"));
  process.env[WRITTEN_DIR] = folder;
  return async () => {
    const { summary, hits } = await searchFolder(folder);
    const figures = [...(await figuresIn(folder)), summary].map((figure) => `  ${figure}\n`);
    process.stdout.write(`\nFigures of this run:\n${figures.join("")}`);
    if (hits.length === 0) return rm(folder, { recursive: true });
    process.exitCode = 1;
    throw new Error(`Secrets were written. See ${folder}:\n${hits.slice(0, 50).join("\n")}`);
  };
}

async function figuresIn(folder: string): Promise<readonly string[]> {
  const files = (await readdir(folder)).filter((name) => name.startsWith(`${FIGURES_FILE}.`));
  const texts = await Promise.all(files.map((name) => readFile(join(folder, name), "utf8")));
  return texts.flatMap((text) => text.trimEnd().split("\n")).toSorted();
}

export async function searchFolder(folder: string): Promise<{ summary: string; hits: readonly string[] }> {
  const names = await readdir(folder);
  const isSecrets = (name: string) => name.startsWith(`${SECRETS_FILE}.`);
  const secrets = new Map(SEEDED.map((key) => [key, key]));
  for (const name of names.filter(isSecrets)) {
    for (const line of (await readFile(join(folder, name), "utf8")).trimEnd().split("\n")) {
      const [secret, value] = JSON.parse(line) as [string, string];
      secrets.set(value, secret);
    }
  }
  const finder = new LeakFinder([...secrets].map(([value, name]) => [name, value]));
  const total = { files: 0, bytes: 0, lines: 0, onPurpose: 0 };
  const hits: string[] = [];
  for (const name of names.filter((one) => !isSecrets(one) && !one.startsWith(`${FIGURES_FILE}.`))) {
    const text = await readFile(join(folder, name));
    total.files += 1;
    total.bytes += text.length;
    total.lines += linesIn(text);
    for (const { secret, offset } of finder.find(text)) {
      if (IS_SAID_ON_PURPOSE.test(lineAt(text, offset))) total.onPurpose += 1;
      else hits.push(`  ${secret} in ${name}, line ${linesIn(text.subarray(0, offset)) + 1}`);
    }
  }
  const summary =
    `Searched all that was written: ${total.lines} lines (${total.bytes} bytes in ${total.files} files) for ` +
    `${secrets.size} secrets in every form: ${hits.length} hits. The emulator printed its example keys ` +
    `${total.onPurpose} times, on purpose.`;
  return { summary, hits };
}

function linesIn(text: Buffer): number {
  let lines = 0;
  for (let at = text.indexOf(10); at !== -1; at = text.indexOf(10, at + 1)) lines += 1;
  return lines;
}

function lineAt(text: Buffer, offset: number): string {
  const end = text.indexOf(10, offset);
  return text
    .subarray(text.lastIndexOf(10, offset) + 1, end === -1 ? text.length : end)
    .toString("utf8")
    .trimEnd();
}
