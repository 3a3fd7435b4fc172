import { Secret } from "../../secret.ts";
import { type Credential, CredentialError, type CredentialProvider } from "./credential.ts";
import { type CredentialSource, readCredentialSource } from "./credential-source.ts";

/** The pair (and token) as configuration found them: each by value or by the path of a file that holds it. */
export interface EnvironmentCredentialSources {
  readonly secretId?: CredentialSource;
  readonly secretKey?: CredentialSource;
  readonly token?: CredentialSource;
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
