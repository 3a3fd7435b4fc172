import type { Secret } from "../../secret.ts";

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
