import { z } from "zod";
import type { Account } from "./account.ts";
import { refusals } from "./cam-refusals.ts";
import type { AccessKey, Role } from "./seed.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** Returns a temporary key in the shape of an STS reply. */
export function temporaryCredentials(key: TemporaryKey) {
  return { Token: key.token, TmpSecretId: key.secretId, TmpSecretKey: key.secretKey };
}

/** Returns the expiry of a key as Unix seconds and as text without fractions. */
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

/** Checks the form and the expiry of a token. Does not check its signature: the emulator has no provider's keys. */
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
