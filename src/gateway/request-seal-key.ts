import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { SigningKeys } from "../audit/checkpoint.ts";
import { RequestSeal } from "../audit/request-seal.ts";
import type { Config } from "../config/config.ts";
import { readUtf8File } from "../utf8.ts";

const SECRET_FILE = "approval-key";

/**
 * What requests for approval are sealed with: the signing key. Local mode without one makes a key of its own, kept in its
 * data folder. With a PostgreSQL of several replicas it has no common place, so that a key lasts as long as its process.
 * Undefined in server mode without a signing key, where no request can be approved.
 */
export async function openRequestSeal(
  { mode, store }: Pick<Config, "mode" | "store">,
  keys: SigningKeys | undefined,
): Promise<RequestSeal | undefined> {
  if (keys !== undefined) return RequestSeal.ofSigningKey(keys.privateKey, keys.previousKey);
  if (mode === "server") return undefined;
  return RequestSeal.ofSecret(
    store.kind === "pglite" ? await secretIn(join(store.dataDir, SECRET_FILE)) : randomBytes(32),
  );
}

/** A file that holds no key gets one: what waits for approval then has to be asked for again. */
async function secretIn(file: string): Promise<Uint8Array> {
  const text = (await readUtf8File(file).catch(() => "")).trim();
  if (/^[0-9a-f]{64}$/.test(text)) return Buffer.from(text, "hex");
  const secret = randomBytes(32);
  await writeFile(file, `${secret.toString("hex")}\n`, { mode: 0o600 });
  return secret;
}
