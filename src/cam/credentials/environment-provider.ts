import { Secret, type SecretSource } from "../../secret.ts";
import { readUtf8File, whyUnreadable } from "../../utf8.ts";
import { type Credential, CredentialError, type CredentialProvider } from "./credential.ts";

/** The parts of a key, each by value or by the path of a file. */
export interface EnvironmentCredentialSources {
  readonly secretId?: SecretSource;
  readonly secretKey?: SecretSource;
  readonly token?: SecretSource;
}

/**
 * Creates a provider of TENCENTCLOUD_SECRET_ID, _SECRET_KEY and _SESSION_TOKEN. Reads files at every load, so that it picks
 * up a rotated mounted secret. Half a key pair is an error, and no pair is not.
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
 * Reads and trims a value: a line end of a mounted file, or a space from a copied key, is the commonest cause of a rejected
 * signature. A blank value counts as absent.
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
