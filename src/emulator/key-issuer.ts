import { z } from "zod";
import type { Account } from "./account/account.ts";
import type { AccessKey, Role } from "./account/seed.ts";
import { refusals } from "./cam-refusals.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** A temporary key as STS writes it, and the metadata service in its own arrangement. */
export function temporaryCredentials(key: TemporaryKey) {
  return { Token: key.token, TmpSecretId: key.secretId, TmpSecretKey: key.secretKey };
}

/** When it ends: Unix seconds, and the same as text without fractions. */
export function expiryOf(key: TemporaryKey) {
  const seconds = Date.parse(key.expiresAt) / 1000;
  return { ExpiredTime: seconds, Expiration: key.expiresAt.replace(/\.\d+Z$/, "Z") };
}

const headerSchema = z.looseObject({ alg: z.string().regex(/^(RS|ES|PS)\d{3}$/) });
const claimsSchema = z.looseObject({
  iss: z.string().min(1),
  sub: z.string().min(1),
  aud: z.union([z.string(), z.array(z.string()).min(1)]),
  exp: z.number(),
});

/** Checks a token's form and its end. Its signature is not: the emulator knows no provider's keys. */
export function refuseWebIdentity(token: string, nowMs: number): void {
  const parts = token.split(".");
  if (parts.length !== 3 || !parts.every((part) => /^[\w-]+$/.test(part))) {
    throw refusals.webIdentityToken("is not a JSON Web Token");
  }
  const [header = "", claims = ""] = parts;
  if (!headerSchema.safeParse(decode(header)).success) {
    throw refusals.webIdentityToken("names no algorithm with a public key");
  }
  const parsed = claimsSchema.safeParse(decode(claims));
  if (!parsed.success) throw refusals.webIdentityToken("lacks iss, sub, aud or exp");
  if (parsed.data.exp * 1000 <= nowMs) throw refusals.webIdentityToken("has expired");
}

function decode(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
  } catch {
    return undefined;
  }
}

interface KeyRequest {
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
