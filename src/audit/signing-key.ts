import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { readUtf8File, whyUnreadable } from "../utf8.ts";
import { encodePublicKey } from "./checkpoint.ts";

/** A key that cannot be used. The message names the file and never shows what is in it. */
export class KeyFileError extends Error {
  override readonly name = "KeyFileError";
}

/** The key that signs now, and the one before it while keys are changed. */
export interface SigningKeys {
  readonly privateKey: KeyObject;
  readonly previousKey: KeyObject | undefined;
}

/** @throws KeyFileError */
export async function loadSigningKeys(files: {
  readonly signingKeyFile: string;
  readonly previousKeyFile: string | undefined;
}): Promise<SigningKeys> {
  const { signingKeyFile, previousKeyFile } = files;
  return {
    privateKey: await loadSigningKey(signingKeyFile),
    previousKey: previousKeyFile === undefined ? undefined : await loadSigningKey(previousKeyFile),
  };
}

/** Loads the Ed25519 private key that signs checkpoints, as PEM. @throws KeyFileError */
export async function loadSigningKey(file: string): Promise<KeyObject> {
  return ed25519(file, await read(file), createPrivateKey);
}

/**
 * Loads the public keys to trust: one PEM or several one after the other, as they are after a change of keys.
 * @throws KeyFileError
 */
export async function loadPublicKeys(file: string): Promise<readonly string[]> {
  const blocks = (await read(file)).match(/-----BEGIN PUBLIC KEY-----.+?-----END PUBLIC KEY-----/gs);
  if (blocks === null) throw new KeyFileError(`${file} holds no public key in PEM.`);
  return blocks.map((block) => encodePublicKey(ed25519(file, block, createPublicKey)));
}

async function read(file: string): Promise<string> {
  try {
    return await readUtf8File(file);
  } catch (cause) {
    throw new KeyFileError(`The key file ${file} ${whyUnreadable(cause)}.`, { cause });
  }
}

function ed25519(file: string, pem: string, create: (pem: string) => KeyObject): KeyObject {
  let key: KeyObject;
  try {
    key = create(pem);
  } catch {
    throw new KeyFileError(`${file} holds no unencrypted key in PEM that can be read.`);
  }
  if (key.asymmetricKeyType !== "ed25519") {
    throw new KeyFileError(`The key in ${file} is ${key.asymmetricKeyType}, and must be ed25519.`);
  }
  return key;
}
