import { appendFileSync } from "node:fs";
import { join } from "node:path";

/**
 * What the gateways, emulators and programs of a run write is kept in one folder, with the secrets that the tests gave
 * them, and searched when the run is over (leaks/global-setup.ts). Without the folder, outside of a run, nothing is.
 */
export const WRITTEN_DIR = "WRITTEN_DIR";

/** The file with the secrets: one JSON array of name and value a line. */
export const SECRETS_FILE = "secrets";

/** The file with the figures, each a line. */
export const FIGURES_FILE = "figures";

/** Fewer letters would be found by chance. */
export const SHORTEST_SECRET = 12;

/** Keeps a text that something has written. Every source has a file of its own in each process. */
export function keepWritten(source: string, text: string | Uint8Array): void {
  const folder = process.env[WRITTEN_DIR];
  if (folder !== undefined) appendFileSync(join(folder, `${source}.${process.pid}.txt`), text);
}

/** From now on the value may be written nowhere. Returns it. */
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

/** What a test has counted is printed when the run is over. */
export function keepFigure(figure: string): void {
  keepWritten(FIGURES_FILE, `${figure}\n`);
}

const SECRET_VARIABLE =
  /^(TENCENTCLOUD_(SECRET_KEY|SESSION_TOKEN|SECURITY_TOKEN|TOKEN)|ROUTER_SECRET|POSTGRES_PASSWORD)$/;

/** The secrets among the variables of a gateway. Those that are too short are no secrets but examples of mistakes. */
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
