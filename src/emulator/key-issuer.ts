import type { Account } from "./account.ts";
import type { SeededRandom } from "./emulator-clock.ts";
import type { AccessKey, Role } from "./seed.ts";

/** Returns a temporary key in the shape of an STS reply. */
export function temporaryCredentials(key: TemporaryKey) {
  return { Token: key.token, TmpSecretId: key.secretId, TmpSecretKey: key.secretKey };
}

/** Returns the expiry of a key as Unix seconds and as text without fractions. */
export function expiryOf(key: TemporaryKey) {
  const seconds = Date.parse(key.expiresAt) / 1000;
  return { ExpiredTime: seconds, Expiration: key.expiresAt.replace(/\.\d+Z$/, "Z") };
}

interface KeyRequest {
  readonly role: Role;
  readonly session: string;
  /** The Uin that signed the request; null for a request without a signature. */
  readonly issuedTo: AccessKey["issuedTo"];
  readonly durationSeconds: number;
  readonly nowMs: number;
}

/** A key with a token and an expiry. */
export type TemporaryKey = AccessKey & { readonly token: string; readonly expiresAt: string };

/** Issues temporary keys for STS and the metadata service. */
export class KeyIssuer {
  /** Overrides the requested duration, in seconds; undefined keeps the requested one. */
  lifetimeSeconds: number | undefined;
  readonly #account: Account;
  readonly #random: SeededRandom;

  constructor(account: Account, random: SeededRandom) {
    this.#account = account;
    this.#random = random;
  }

  issue({ role, session, issuedTo, durationSeconds, nowMs }: KeyRequest): TemporaryKey {
    const seconds = this.lifetimeSeconds ?? durationSeconds;
    // STS reports the expiry in whole seconds.
    const endSeconds = Math.floor(nowMs / 1000) + seconds;
    const token = this.#random.bytes(96).toString("base64");
    const expiresAt = new Date(endSeconds * 1000).toISOString();
    const key = this.#account.putKey({
      secretId: `AKID${this.#random.bytes(24).toString("hex")}`,
      secretKey: this.#random.bytes(32).toString("base64"),
      uin: role.roleId,
      session,
      issuedTo,
      kind: "temporary",
      token,
      expiresAt,
    });
    return { ...key, token, expiresAt };
  }
}
