import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { readUtf8File, whyUnreadable } from "../utf8.ts";

/** A signature and its key. */
export interface Signature {
  /** Ed25519, as SPKI in DER, in base64. */
  readonly publicKey: string;
  /** In base64. */
  readonly signature: string;
}

/** Signs a text with an Ed25519 key. The text begins with its purpose, which separates it from others of this key. */
export function signText(text: string, privateKey: KeyObject): Signature {
  const signature = sign(null, Buffer.from(text), privateKey).toString("base64");
  return { publicKey: encodePublicKey(createPublicKey(privateKey)), signature };
}

/** Returns whether the named key made the signature. It does not decide whether to trust that key. */
export function isSignatureOf(text: string, signed: Signature): boolean {
  const key = decode(signed.publicKey);
  const signature = decode(signed.signature);
  if (key === undefined || signature === undefined) return false;
  try {
    const publicKey = createPublicKey({ key, format: "der", type: "spki" });
    return publicKey.asymmetricKeyType === "ed25519" && verify(null, Buffer.from(text), publicKey, signature);
  } catch {
    return false;
  }
}

/** Returns a public key in the form that checkpoints have. */
export function encodePublicKey(publicKey: KeyObject): string {
  return publicKey.export({ format: "der", type: "spki" }).toString("base64");
}

/** Returns a short name of a public key, for people. */
export function fingerprint(publicKey: string): string {
  return createHash("sha256").update(publicKey, "base64").digest("hex").slice(0, 16);
}

/** Decodes canonical base64 only, so that no byte of a signature can change unnoticed. */
function decode(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64");
  return bytes.toString("base64") === text ? bytes : undefined;
}

/** A key file is unusable. The message names the file and quotes none of it. */
export class KeyFileError extends Error {
  override readonly name = "KeyFileError";
}

/** The current signing key, and the previous one during a rotation. */
export interface SigningKeys {
  readonly privateKey: KeyObject;
  readonly previousKey: KeyObject | undefined;
}

/** Loads both keys from their files. @throws KeyFileError */
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
 * Loads the trusted public keys: one PEM, or several after a rotation.
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
