import type { Account } from "../account/account.ts";
import type { Role } from "../account/role-schema.ts";
import type { AccessKey } from "../account/seed-schema.ts";
import type { SeededRandom } from "../seeded-random.ts";

export interface KeyRequest {
  readonly role: Role;
  readonly session: string;
  /** The user who applies for it; null where nobody has to be one. */
  readonly issuedTo: AccessKey["issuedTo"];
  readonly durationSeconds: number;
  readonly nowMs: number;
}

/** A key with what only temporary keys have. */
export type TemporaryKey = AccessKey & { readonly token: string; readonly expiresAt: string };

/** Hands out temporary keys, as STS and the metadata service do. */
export class KeyIssuer {
  /** Instead of the duration that was asked for; undefined gives what was asked for. */
  lifetimeSeconds: number | undefined;
  readonly #account: Account;
  readonly #random: SeededRandom;

  constructor(account: Account, random: SeededRandom) {
    this.#account = account;
    this.#random = random;
  }

  issue({ role, session, issuedTo, durationSeconds, nowMs }: KeyRequest): TemporaryKey {
    const seconds = this.lifetimeSeconds ?? durationSeconds;
    // The vendor tells the end in whole seconds.
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
