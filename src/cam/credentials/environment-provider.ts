import { Secret, type SecretSource } from "../../secret.ts";
import { readUtf8File, whyUnreadable } from "../../utf8.ts";
import { type Credential, CredentialError, type CredentialProvider } from "./credential.ts";

/** The pair (and token) as configuration found them: each by value or by the path of a file that holds it. */
export interface EnvironmentCredentialSources {
  readonly secretId?: SecretSource;
  readonly secretKey?: SecretSource;
  readonly token?: SecretSource;
}

/**
 * TENCENTCLOUD_SECRET_ID, _SECRET_KEY and _SESSION_TOKEN, the official names. Files are read at every load, so
 * that a rotated mounted secret is picked up. An absent pair is no error here; half a pair is.
 */
export function createEnvironmentProvider(sources: EnvironmentCredentialSources): CredentialProvider {
  return {
    name: "environment",
    async load(): Promise<Credential | undefined> {
      const [secretId, secretKey, token] = await Promise.all([
        readCredentialSource(sources.secretId),
        readCredentialSource(sources.secretKey),
        readCredentialSource(sources.token),
      ]);
      if (secretId === undefined && secretKey === undefined) return undefined;
      if (secretId === undefined || secretKey === undefined) {
        throw new CredentialError(
          `Half a key pair: the ${secretId === undefined ? "id" : "key"} is missing or blank.`,
        );
      }
      return {
        secretId,
        secretKey: new Secret(secretKey),
        ...(token === undefined ? {} : { token: new Secret(token) }),
      };
    },
  };
}

/**
 * The text, trimmed: a line end at the tail of a mounted file, or a space from a copied key, is the commonest
 * cause of a rejected signature. Blank counts as absent.
 */
async function readCredentialSource(source: SecretSource | undefined): Promise<string | undefined> {
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

export function createStaticProvider(credential: Credential): CredentialProvider {
  return { name: "static", load: () => Promise.resolve(credential) };
}
