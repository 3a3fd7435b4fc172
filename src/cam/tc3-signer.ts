import { createHmac, createSecretKey, hash, type KeyObject } from "node:crypto";
import type { Secret } from "../secret.ts";
import type { Credential } from "./credentials/credential.ts";

interface SignableRequest {
  readonly method: "GET" | "POST";
  readonly query: string;
  /** The headers that the signature covers. They must reach CAM with the same values. */
  readonly headers: readonly HeaderField[];
  readonly body: string | Uint8Array;
  readonly service: string;
  /** X-TC-Timestamp. The signer does not read a clock, because the gateway signs with CAM's time. */
  readonly timestampSeconds: number;
}

/** A signature with its intermediate results. The gateway sends only `authorization`. */
interface Tc3Signature {
  readonly canonicalRequest: string;
  readonly stringToSign: string;
  readonly signature: string;
  readonly authorization: string;
}

/** Signs API 3.0 requests with TC3-HMAC-SHA256. The functions and classes below are its steps. */
export class Tc3Signer {
  readonly #signingKeys = new SigningKeyCache();

  sign(request: SignableRequest, credential: Credential): Tc3Signature {
    const canonical = createCanonicalRequest({ ...request, payloadHash: hash("sha256", request.body) });
    const scope = createCredentialScope(request.timestampSeconds, request.service);
    const stringToSign = createStringToSign(canonical.text, request.timestampSeconds, scope);
    const signingKey = this.#signingKeys.get(credential.secretKey, scope);
    const signature = createHmac("sha256", signingKey).update(stringToSign).digest("hex");
    const authorization =
      `${TC3_ALGORITHM} Credential=${credential.secretId}/${formatCredentialScope(scope)}, ` +
      `SignedHeaders=${canonical.signedHeaders}, Signature=${signature}`;
    return { canonicalRequest: canonical.text, stringToSign, signature, authorization };
  }
}

export const TC3_ALGORITHM = "TC3-HMAC-SHA256";

/**
 * Creates the string to sign: step 2 of TC3. Its four lines are the algorithm, X-TC-Timestamp in seconds, the scope and
 * the hash of the canonical request.
 */
export function createStringToSign(
  canonicalRequest: string,
  timestampSeconds: number,
  scope: CredentialScope,
): string {
  return `${TC3_ALGORITHM}\n${timestampSeconds}\n${formatCredentialScope(scope)}\n${hash("sha256", canonicalRequest)}`;
}

/** The day and service of a signature, for example `2019-02-25/cam/tc3_request`. */
export interface CredentialScope {
  /** UTC date of the signed timestamp, `YYYY-MM-DD`. A local date fails around midnight. */
  readonly date: string;
  /** The product, which is the first label of its host: `cam`, `sts`. */
  readonly service: string;
}

export function createCredentialScope(timestampSeconds: number, service: string): CredentialScope {
  return { date: new Date(timestampSeconds * 1000).toISOString().slice(0, 10), service };
}

export function formatCredentialScope(scope: CredentialScope): string {
  return `${scope.date}/${scope.service}/tc3_request`;
}

/** Derives the signing key of one day and one service by three HMACs: step 3 of TC3. */
export function deriveSigningKey(secretKey: Secret, scope: CredentialScope): Buffer {
  const dateKey = hmacSha256(`TC3${secretKey.reveal()}`, scope.date);
  const serviceKey = hmacSha256(dateKey, scope.service);
  return hmacSha256(serviceKey, "tc3_request");
}

function hmacSha256(key: string | Uint8Array, data: string): Buffer {
  return createHmac("sha256", key).update(data).digest();
}

/** The most derived keys of one secret key. Two services around midnight need four. */
const MAX_CACHED_KEYS = 8;

/**
 * A cache of derived keys. A derived key is valid for a whole UTC day, and deriving it is most of a signature's cost.
 *
 * The cache finds keys by the Secret object, not by its text. A rotated key is a new Secret, so the garbage collector
 * removes the old Secret with its derived keys. The cache holds KeyObjects, because every signature would import plain
 * bytes again. The import takes several times as long as the HMAC.
 */
export class SigningKeyCache {
  readonly #keys = new WeakMap<Secret, Map<string, KeyObject>>();

  get(secretKey: Secret, scope: CredentialScope): KeyObject {
    let ofSecret = this.#keys.get(secretKey);
    if (ofSecret === undefined) {
      ofSecret = new Map();
      this.#keys.set(secretKey, ofSecret);
    }
    const cacheKey = `${scope.date}/${scope.service}`;
    let signingKey = ofSecret.get(cacheKey);
    if (signingKey === undefined) {
      if (ofSecret.size >= MAX_CACHED_KEYS) ofSecret.clear();
      signingKey = createSecretKey(deriveSigningKey(secretKey, scope));
      ofSecret.set(cacheKey, signingKey);
    }
    return signingKey;
  }
}

/** A header of the request. The case of names and values, and the space around them, do not matter. */
export type HeaderField = readonly [name: string, value: string];

interface CanonicalRequestInput {
  readonly method: "GET" | "POST";
  /** The query string after `?`, percent-encoded by RFC 3986. Empty for POST. */
  readonly query: string;
  /** The headers to sign. TC3 requires at least content-type and host. */
  readonly headers: readonly HeaderField[];
  /** Lower-case hex SHA-256 of the body bytes. */
  readonly payloadHash: string;
}

interface CanonicalRequest {
  readonly text: string;
  /** The names of the signed headers, sorted and joined by `;`. The Authorization header repeats them. */
  readonly signedHeaders: string;
}

/**
 * Creates the canonical request: step 1 of TC3-HMAC-SHA256. The gateway and CAM build the same text from a request.
 * The path is always `/`. Source: https://www.tencentcloud.com/document/product/1154/48911
 */
export function createCanonicalRequest(input: CanonicalRequestInput): CanonicalRequest {
  const fields = input.headers.map(
    ([name, value]) => [name.trim().toLowerCase(), value.trim().toLowerCase()] as const,
  );
  fields.sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0));
  let headerLines = "";
  let signedHeaders = "";
  for (const [name, value] of fields) {
    headerLines += `${name}:${value}\n`;
    signedHeaders += signedHeaders === "" ? name : `;${name}`;
  }
  return {
    text: `${input.method}\n/\n${input.query}\n${headerLines}\n${signedHeaders}\n${input.payloadHash}`,
    signedHeaders,
  };
}
