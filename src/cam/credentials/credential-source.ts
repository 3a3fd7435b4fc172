import type { Secret } from "../../secret.ts";
import { readUtf8File, whyUnreadable } from "../../utf8.ts";
import { CredentialError } from "./credential.ts";

/** Where one part of a credential stands: in the configuration itself, or in a file (`*_FILE`). */
export type CredentialSource = { readonly value: Secret } | { readonly file: string };

/**
 * The text, trimmed: a line end at the tail of a mounted file, or a space from a copied key, is the commonest
 * cause of a rejected signature. Blank counts as absent.
 */
export async function readCredentialSource(
  source: CredentialSource | undefined,
): Promise<string | undefined> {
  if (source === undefined) return undefined;
  const text = "file" in source ? await readSecretFile(source.file) : source.value.reveal();
  return text.trim() || undefined;
}

async function readSecretFile(path: string): Promise<string> {
  try {
    return await readUtf8File(path);
  } catch (cause) {
    throw new CredentialError(`The credential file ${path} ${whyUnreadable(cause)}.`, { cause });
  }
}
