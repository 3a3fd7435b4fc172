import { z } from "zod";
import { Secret } from "../../secret.ts";

/** A Tencent Cloud API key. `secretId` is not secret: every request names the calling key by it. */
export interface Credential {
  readonly secretId: string;
  readonly secretKey: Secret;
  /** Goes out as X-TC-Token; only temporary (STS) keys have one. */
  readonly token?: Secret;
  /** When a temporary key expires, by CAM's clock, in milliseconds since the epoch. Undefined where unknown. */
  readonly expiresAtMs?: number;
  /**
   * The role that a temporary key acts for. The quota counts calls by the role, because its keys change and differ between
   * replicas. Without a role, the quota counts by `secretId`.
   */
  readonly role?: string;
}

/** A source of keys. */
export interface CredentialProvider {
  /** Names the source in logs and errors, for example `environment` or `profile "default"`. */
  readonly name: string;
  /**
   * Resolves to the credential, or to undefined where this source has none.
   * @throws CredentialError where the source exists but its key cannot be used.
   */
  load(): Promise<Credential | undefined>;
}

/** No usable key: a source is broken, or no source of a chain has a key. The message holds no secret. */
export class CredentialError extends Error {
  override readonly name = "CredentialError";
}

/** Providers in order of precedence. */
export interface CredentialChain {
  readonly name: string;
  /** @throws CredentialError where no provider has a credential, or one is broken. */
  load(): Promise<Credential>;
}

/**
 * Creates a chain that takes the first credential. A broken provider ends the search: the next provider may have a key
 * that the operator did not choose.
 */
export function createProviderChain(providers: readonly CredentialProvider[]): CredentialChain {
  return {
    name: providers.map((provider) => provider.name).join(", "),
    async load(): Promise<Credential> {
      for (const provider of providers) {
        const credential = await provider.load();
        if (credential !== undefined) return credential;
      }
      const tried = providers.map((provider) => provider.name).join(", ") || "none configured";
      throw new CredentialError(`No credential for CAM was found; looked in: ${tried}.`);
    },
  };
}

const text = z.string().min(1);

const credentialsSchema = z.object({ TmpSecretId: text, TmpSecretKey: text, Token: text });

/** Unix seconds. */
const expiredTime = z.union([z.number(), z.bigint()]).transform(Number);

const replySchema = z.object({ Credentials: credentialsSchema, ExpiredTime: expiredTime });

/** Parses the answer of STS to both ways of assuming a role. */
export function parseStsCredentials(response: unknown): Credential {
  const { Credentials, ExpiredTime } = replySchema.parse(response);
  return temporaryCredential(Credentials, ExpiredTime);
}

const metadataSchema = credentialsSchema.extend({ ExpiredTime: expiredTime, Code: z.literal("Success") });

/** Parses the answer of an instance's metadata service: the same fields without the envelope. */
export function parseMetadataCredentials(answer: unknown): Credential {
  const { ExpiredTime, ...keys } = metadataSchema.parse(answer);
  return temporaryCredential(keys, ExpiredTime);
}

function temporaryCredential(
  { TmpSecretId, TmpSecretKey, Token }: z.output<typeof credentialsSchema>,
  expiredTimeS: number,
): Credential {
  return {
    secretId: TmpSecretId,
    secretKey: new Secret(TmpSecretKey),
    token: new Secret(Token),
    expiresAtMs: expiredTimeS * 1000,
  };
}
