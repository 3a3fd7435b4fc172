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
export type RequestContent = Pick<
  ChangeRecord,
  "id" | "account" | "opUin" | "caller" | "requested" | "reason"
> & { readonly expiresAt: Date };

interface CallerContent {
  readonly subject: string;
  readonly client?: string | undefined;
  readonly issuer?: string | undefined;
}

/** The content of the MAC of a rollout's start: what runs, and who asked for it and approved it. */
export interface StartContent {
  readonly id: string;
  readonly planHash: string;
  readonly startedBy: CallerContent & { readonly scopes: ReadonlySet<string> };
  readonly approver: CallerContent | undefined;
}

/** A MAC and the fingerprint of its key. */
interface RequestMac {
  readonly mac: string;
  readonly key: string;
}

/** GENUINE: this gateway recorded the request. With any other verdict the gateway writes nothing to CAM. */
export type MacVerdict = "GENUINE" | "NOT_SEALED" | "UNKNOWN_KEY" | "ALTERED";

interface MacKey {
  readonly fingerprint: string;
  readonly secret: Uint8Array;
}

/** Separates the MAC from other uses of the signing key. */
const PURPOSE = "cam-mfa-gateway approval request";
/** Separates the starts of rollouts from requests. */
const START = "cam-mfa-gateway rollout start";

/**
 * The MACs (HMAC-SHA256) of requests for approval and of starts. A database role that can write does not have the key,
 * so it can neither forge a request nor alter one.
 */
export class RequestMacs {
  readonly #current: MacKey;
  readonly #keys: ReadonlyMap<string, MacKey>;

  private constructor(current: MacKey, previous?: MacKey) {
    this.#current = current;
    this.#keys = new Map([previous ?? current, current].map((key) => [key.fingerprint, key]));
  }

  /** Derives the key from the Ed25519 key that signs checkpoints. MACs by `previous` are valid too. */
  static ofSigningKey(privateKey: KeyObject, previous?: KeyObject): RequestMacs {
    return new RequestMacs(macKeyOf(privateKey), previous && macKeyOf(previous));
  }

  /** Derives the key from 32 random bytes, for local mode without a signing key. */
  static ofSecret(secret: Uint8Array): RequestMacs {
    const name = createHash("sha256").update(PURPOSE).update(secret).digest("hex").slice(0, 16);
    return new RequestMacs({ fingerprint: name, secret: derive(secret) });
  }

  create(request: RequestContent): RequestMac {
    return this.#create(textOf(request));
  }

  createForStart(start: StartContent): RequestMac {
    return this.#create(textOfStart(start));
  }

  /** @param given Undefined for a start without a MAC. */
  checkStart(start: StartContent, given: RequestMac | undefined): MacVerdict {
    return this.#check(textOfStart(start), given);
  }

  check(record: ChangeRecord): MacVerdict {
    const { approval, requestMac } = record;
    if (approval === undefined) return "NOT_SEALED";
    return this.#check(textOf({ ...record, expiresAt: approval.expiresAt }), requestMac);
  }

  #check(text: string, given: RequestMac | undefined): MacVerdict {
    if (given === undefined) return "NOT_SEALED";
    const key = this.#keys.get(given.key);
    if (key === undefined) return "UNKNOWN_KEY";
    const expected = macOf(text, key);
    const mac = Buffer.from(given.mac, "hex");
    return mac.length === expected.length && timingSafeEqual(mac, expected) ? "GENUINE" : "ALTERED";
  }

  #create(text: string): RequestMac {
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

function textOf(request: RequestContent): string {
  const { id, account, opUin, caller, requested, reason, expiresAt } = request;
  const { subject, client, issuer } = caller;
  // JSON separates the parts unambiguously.
  return JSON.stringify([
    PURPOSE,
    ...[id, account, opUin, subject, client ?? null, issuer ?? null],
    ...[inOrder(requested), reason ?? null, expiresAt.toISOString()],
  ]);
}

function textOfStart({ id, planHash, startedBy, approver }: StartContent): string {
  const partsOf = ({ subject, client, issuer }: CallerContent) => [subject, client ?? null, issuer ?? null];
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
