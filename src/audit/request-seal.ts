import {
  createHash,
  createHmac,
  createPublicKey,
  hkdfSync,
  type KeyObject,
  timingSafeEqual,
} from "node:crypto";
import type { ChangeRecord } from "./change-record.ts";
import { encodePublicKey, fingerprint } from "./signing-keys.ts";

/** The content of a MAC: everything that an approver approves. */
export type SealedRequest = Pick<
  ChangeRecord,
  "id" | "account" | "opUin" | "caller" | "requested" | "reason"
> & { readonly expiresAt: Date };

interface SealedCaller {
  readonly subject: string;
  readonly client?: string | undefined;
  readonly issuer?: string | undefined;
}

/** The content of the MAC of a rollout's start: what runs, and who asked for it and approved it. */
export interface SealedStart {
  readonly id: string;
  readonly planHash: string;
  readonly startedBy: SealedCaller & { readonly scopes: ReadonlySet<string> };
  readonly approver: SealedCaller | undefined;
}

/** A MAC and the fingerprint of its key. */
interface RequestMac {
  readonly mac: string;
  readonly key: string;
}

/** GENUINE: this gateway recorded the request. With any other verdict the gateway sends nothing to CAM. */
export type SealVerdict = "GENUINE" | "NOT_SEALED" | "UNKNOWN_KEY" | "ALTERED";

interface MacKey {
  readonly fingerprint: string;
  readonly secret: Uint8Array;
}

/** Separates the MAC from other uses of the signing key. */
const PURPOSE = "cam-mfa-gateway approval request";
/** Separates the starts of rollouts from requests. */
const START = "cam-mfa-gateway rollout start";

/**
 * Seals requests for approval with an HMAC-SHA256. A database role that can write does not have the key, so it can
 * neither forge a request nor alter one.
 */
export class RequestSeal {
  readonly #current: MacKey;
  readonly #keys: ReadonlyMap<string, MacKey>;

  private constructor(current: MacKey, previous?: MacKey) {
    this.#current = current;
    this.#keys = new Map([previous ?? current, current].map((key) => [key.fingerprint, key]));
  }

  /** Creates a seal from the Ed25519 key that signs checkpoints. Seals by `previous` are valid too. */
  static ofSigningKey(privateKey: KeyObject, previous?: KeyObject): RequestSeal {
    return new RequestSeal(macKeyOf(privateKey), previous && macKeyOf(previous));
  }

  /** Creates a seal from 32 random bytes, for local mode without a signing key. */
  static ofSecret(secret: Uint8Array): RequestSeal {
    const name = createHash("sha256").update(PURPOSE).update(secret).digest("hex").slice(0, 16);
    return new RequestSeal({ fingerprint: name, secret: derive(secret) });
  }

  seal(request: SealedRequest): RequestMac {
    return this.#seal(textOf(request));
  }

  sealStart(start: SealedStart): RequestMac {
    return this.#seal(textOfStart(start));
  }

  /** @param given Undefined for a start without a MAC. */
  checkStart(start: SealedStart, given: RequestMac | undefined): SealVerdict {
    return this.#check(textOfStart(start), given);
  }

  check(record: ChangeRecord): SealVerdict {
    const { approval, requestMac } = record;
    if (approval === undefined) return "NOT_SEALED";
    return this.#check(textOf({ ...record, expiresAt: approval.expiresAt }), requestMac);
  }

  #check(text: string, given: RequestMac | undefined): SealVerdict {
    if (given === undefined) return "NOT_SEALED";
    const key = this.#keys.get(given.key);
    if (key === undefined) return "UNKNOWN_KEY";
    const expected = macOf(text, key);
    const mac = Buffer.from(given.mac, "hex");
    return mac.length === expected.length && timingSafeEqual(mac, expected) ? "GENUINE" : "ALTERED";
  }

  #seal(text: string): RequestMac {
    return { mac: macOf(text, this.#current).toString("hex"), key: this.#current.fingerprint };
  }
}

function macKeyOf(privateKey: KeyObject): MacKey {
  const seed = Buffer.from(privateKey.export({ format: "jwk" }).d ?? "", "base64url");
  const publicKey = encodePublicKey(createPublicKey(privateKey));
  return { fingerprint: fingerprint(publicKey), secret: derive(seed) };
}

function derive(secret: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", secret, "", PURPOSE, 32));
}

function macOf(text: string, { secret }: MacKey): Buffer {
  return createHmac("sha256", secret).update(text).digest();
}

function textOf(request: SealedRequest): string {
  const { id, account, opUin, caller, requested, reason, expiresAt } = request;
  const { subject, client, issuer } = caller;
  // JSON separates the parts unambiguously.
  return JSON.stringify([
    PURPOSE,
    ...[id, account, opUin, subject, client ?? null, issuer ?? null],
    ...[inOrder(requested), reason ?? null, expiresAt.toISOString()],
  ]);
}

function textOfStart({ id, planHash, startedBy, approver }: SealedStart): string {
  const partsOf = ({ subject, client, issuer }: SealedCaller) => [subject, client ?? null, issuer ?? null];
  const people = [partsOf(startedBy), [...startedBy.scopes].toSorted(), approver ? partsOf(approver) : null];
  return JSON.stringify([START, id, planHash, ...people]);
}

/** Sorts the keys of objects, because the database returns them in an order of its own. */
function inOrder(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(inOrder);
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries.map(([name, inner]) => [name, inOrder(inner)]));
}
