import { z } from "zod";
import { Secret } from "../../secret.ts";

/** A Tencent Cloud API key. `secretId` is not secret, and every request contains it. */
export interface Credential {
  readonly secretId: string;
  readonly secretKey: Secret;
  /** The value of X-TC-Token. Only temporary (STS) keys have one. */
  readonly token?: Secret;
  /** The expiry time of a temporary key by CAM's clock, in milliseconds since the epoch. Undefined if unknown. */
  readonly expiresAtMs?: number;
  /**
   * The role of a temporary key. The quota counts calls by the role, because its keys change and differ between
   * replicas. Without a role, the quota counts by `secretId`.
   */
  readonly role?: string;
}

/** A source of keys. */
export interface CredentialProvider {
  /** The name of the source in logs and errors, for example `environment` or `profile "default"`. */
  readonly name: string;
  /**
   * Resolves to the credential, or to undefined if the source has none.
   * @throws CredentialError if the source exists but the gateway cannot use its key.
   */
  load(): Promise<Credential | undefined>;
}

/**
 * The gateway has no usable key: a source is broken, or no source of a chain has one. The message contains no secret.
 */
export class CredentialError extends Error {
  override readonly name = "CredentialError";
}

/** Providers in order of precedence. */
export interface CredentialChain {
  readonly name: string;
  /** Resolves to the credential. @throws CredentialError if no provider has one, or a provider is broken. */
  load(): Promise<Credential>;
}

/**
 * Creates a chain that returns the first credential of the providers. A broken provider ends the search, because the
 * next provider may have a key that the operator did not choose.
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

/** Parses the reply of STS to AssumeRole and AssumeRoleWithWebIdentity. */
export function parseStsCredentials(response: unknown): Credential {
  const { Credentials, ExpiredTime } = replySchema.parse(response);
  return temporaryCredential(Credentials, ExpiredTime);
}

const metadataSchema = credentialsSchema.extend({ ExpiredTime: expiredTime, Code: z.literal("Success") });

/** Parses the reply of an instance's metadata service. All its fields are in one object. */
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
