import { z } from "zod";
import { Secret } from "../../secret.ts";

/** A Tencent Cloud API key. `secretId` is not secret: it travels in every request and names the calling key. */
export interface Credential {
  readonly secretId: string;
  readonly secretKey: Secret;
  /** Goes out as X-TC-Token; only temporary (STS) keys have one. */
  readonly token?: Secret;
  /** When a temporary key ends, by CAM's clock, in milliseconds since the epoch. Undefined where nobody said. */
  readonly expiresAtMs?: number;
  /**
   * The role that a temporary key acts for. Its keys come and go, and replicas have different ones, so calls are
   * counted against the quota under this name; under `secretId` without it.
   */
  readonly role?: string;
}

/** One place where keys come from. */
export interface CredentialProvider {
  /** Names the place in logs and errors, for example `environment` or `profile "default"`. */
  readonly name: string;
  /**
   * The credential, or undefined where this place has none, so that the next in a chain is asked.
   * @throws CredentialError where the place exists but what it holds cannot be used.
   */
  load(): Promise<Credential | undefined>;
}

/** A place for keys that exists but is broken, or a chain in which no place had any. The message holds no secret. */
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
 * Asks each provider in turn and takes the first credential. A provider that is present but broken ends the
 * search: falling through would sign with a key that nobody meant.
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

const credentialsSchema = z.object({
  TmpSecretId: text,
  TmpSecretKey: text,
  Token: text,
});

/** Unix seconds. */
const expiredTime = z.union([z.number(), z.bigint()]).transform(Number);

const replySchema = z.object({ Credentials: credentialsSchema, ExpiredTime: expiredTime });

/** What both ways of assuming a role answer. */
export function parseStsCredentials(response: unknown): Credential {
  const { Credentials, ExpiredTime } = replySchema.parse(response);
  return temporaryCredential({ ...Credentials, ExpiredTime });
}

const metadataSchema = credentialsSchema.extend({ ExpiredTime: expiredTime, Code: z.literal("Success") });

/** What an instance's metadata service answers: the same facts without the envelope. */
export function parseMetadataCredentials(answer: unknown): Credential {
  return temporaryCredential(metadataSchema.parse(answer));
}

function temporaryCredential(
  fields: z.output<typeof credentialsSchema> & { readonly ExpiredTime: number },
): Credential {
  return {
    secretId: fields.TmpSecretId,
    secretKey: new Secret(fields.TmpSecretKey),
    token: new Secret(fields.Token),
    expiresAtMs: fields.ExpiredTime * 1000,
  };
}
