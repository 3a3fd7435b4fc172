import { Secret, type SecretSource } from "../../secret.ts";
import { readUtf8File, whyUnreadable } from "../../utf8.ts";
import { type Credential, CredentialError, type CredentialProvider } from "./credential.ts";

/** The parts of a key. Each is a value or the path of a file. */
export interface EnvironmentCredentialSources {
  readonly secretId?: SecretSource;
  readonly secretKey?: SecretSource;
  readonly token?: SecretSource;
}

/**
 * Creates a provider of TENCENTCLOUD_SECRET_ID, _SECRET_KEY and _SESSION_TOKEN. It reads files at every load, to find a
 * rotated secret. It returns undefined without a key pair, and rejects half a pair.
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
 * Reads and trims a value. A line end in a mounted file, or a space around a copied key, is the most common cause of a
 * rejected signature. Returns undefined for a blank value.
 */
async function readCredentialSource(source: SecretSource | undefined): Promise<string | undefined> {
  if (source === undefined) return undefined;
  if ("value" in source) return source.value.reveal().trim() || undefined;
  try {
    return (await readUtf8File(source.file)).trim() || undefined;
  } catch (cause) {
    throw new CredentialError(`The credential file ${source.file} ${whyUnreadable(cause)}.`, { cause });
  }
}

/** Creates a provider of a fixed key. */
export function createStaticProvider(credential: Credential): CredentialProvider {
  return { name: "static", load: () => Promise.resolve(credential) };
}
