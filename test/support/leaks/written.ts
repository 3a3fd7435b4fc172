import { appendFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Keeps the output of gateways, emulators and programs of a run in one folder, with the secrets of the tests. A search
 * follows after the run (leaks/global-setup.ts). Outside a run nothing is kept.
 */
export const WRITTEN_DIR = "WRITTEN_DIR";

/** The file of secrets: one JSON array of name and value on each line. */
export const SECRETS_FILE = "secrets";

/** The file of figures, one on each line. */
export const FIGURES_FILE = "figures";

/** Shorter secrets would be found by chance. */
export const SHORTEST_SECRET = 12;

/** The texts that are not in their files yet, by file. */
const waiting = new Map<string, { readonly texts: Uint8Array[]; bytes: number }>();

/** A run writes 300,000 lines. Opening a file for each takes longer than the line. */
const WRITE_BYTES = 64 * 1024;

/** Keeps a written text. Each source has its own file in each process. */
export function keepWritten(source: string, text: string | Uint8Array): void {
  const folder = process.env[WRITTEN_DIR];
  if (folder === undefined) return;
  const file = join(folder, `${source}.${process.pid}.txt`);
  const kept = waiting.get(file) ?? { texts: [], bytes: 0 };
  waiting.set(file, kept);
  const bytes = typeof text === "string" ? Buffer.from(text) : text;
  kept.texts.push(bytes);
  kept.bytes += bytes.length;
  if (kept.bytes >= WRITE_BYTES) write(file, kept.texts);
}

/** Writes all kept texts into their files. */
export function writeKept(): void {
  for (const [file, { texts }] of waiting) write(file, texts);
}

function write(file: string, texts: readonly Uint8Array[]): void {
  waiting.delete(file);
  appendFileSync(file, Buffer.concat(texts));
}

/** Registers a secret and returns it. From now on no output may contain it. */
export function keepSecret(name: string, value: string): string {
  if (value.length < SHORTEST_SECRET) throw new Error(`The secret ${name} is too short to be recognised.`);
  const folder = process.env[WRITTEN_DIR];
  if (folder !== undefined) {
    appendFileSync(
      join(folder, `${SECRETS_FILE}.${process.pid}.jsonl`),
      `${JSON.stringify([name, value])}\n`,
    );
  }
  return value;
}

/** Keeps a figure, which is printed after the run. */
export function keepFigure(figure: string): void {
  keepWritten(FIGURES_FILE, `${figure}\n`);
}

const SECRET_VARIABLE =
  /^(TENCENTCLOUD_(SECRET_KEY|SESSION_TOKEN|SECURITY_TOKEN|TOKEN)|ROUTER_SECRET|POSTGRES_PASSWORD)$/;

/** Registers the secrets among the variables of a gateway. Short values are examples of mistakes, not secrets. */
export function keepSecretsOf(env: Readonly<Record<string, string | undefined>>): void {
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined) continue;
    const secret = name === "DATABASE_URL" ? passwordOf(value) : SECRET_VARIABLE.test(name) ? value : "";
    if (secret.length >= SHORTEST_SECRET) keepSecret(name, secret);
  }
}

function passwordOf(url: string): string {
  return URL.canParse(url) ? decodeURIComponent(new URL(url).password) : "";
}
