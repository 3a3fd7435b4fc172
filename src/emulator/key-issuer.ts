import type { Account } from "./account.ts";
import type { EmulatorClock, SeededRandom } from "./emulator-clock.ts";
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
type TemporaryKey = AccessKey & { readonly token: string; readonly expiresAt: string };

/** Issues temporary keys for STS and the metadata service below. */
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

/** The path at which an instance reads the keys of its role: https://cloud.tencent.com/document/product/598/85616 */
const CREDENTIALS_PATH = "/latest/meta-data/cam/security-credentials";

const SESSION_SECONDS = 7_200;
/** The share of a key's lifetime during which the service returns the same key. */
const RENEWED_AFTER = 0.5;

interface MetadataReply {
  status: number;
  contentType: string;
  body: string;
}

const NOT_FOUND: MetadataReply = { status: 404, contentType: "text/plain", body: "404 Not Found\n" };

interface InstanceState {
  readonly account: Account;
  readonly clock: EmulatorClock;
  readonly issuer: KeyIssuer;
  readonly settings: { readonly instanceRole: string | null };
}

/** The metadata service of an instance with a role. Like the vendor's, it requires no authentication. */
export class MetadataService {
  readonly #state: InstanceState;
  #held: { readonly key: TemporaryKey; readonly renewAtMs: number } | undefined;

  constructor(state: InstanceState) {
    this.#state = state;
  }

  /** Returns undefined for an unknown path. */
  answer(method: string | undefined, path: string): MetadataReply | undefined {
    if (!`${path}/`.startsWith(`${CREDENTIALS_PATH}/`)) return undefined;
    const role = this.#state.account.role(this.#state.settings.instanceRole ?? "");
    const name = path.slice(CREDENTIALS_PATH.length + 1);
    if (method !== "GET" || role === undefined) return NOT_FOUND;
    if (name === "") return { status: 200, contentType: "text/plain", body: role.name };
    if (name !== role.name) return NOT_FOUND;
    const key = this.#keyOf(role);
    const answer = { ...temporaryCredentials(key), ...expiryOf(key), Code: "Success" };
    return { status: 200, contentType: "application/json", body: JSON.stringify(answer) };
  }

  #keyOf(role: Role): TemporaryKey {
    const { account, clock, issuer } = this.#state;
    const nowMs = clock.now();
    const held = this.#held;
    // After a reset or a revocation the account no longer has the key, so issue a new one.
    const isGood = held !== undefined && nowMs < held.renewAtMs && account.key(held.key.secretId);
    if (isGood) return held.key;
    const session = { session: "instance", issuedTo: null, durationSeconds: SESSION_SECONDS };
    const key = issuer.issue({ role, ...session, nowMs });
    this.#held = { key, renewAtMs: nowMs + (Date.parse(key.expiresAt) - nowMs) * RENEWED_AFTER };
    return key;
  }
}
