import { createHmac, createSecretKey, type KeyObject } from "node:crypto";
import type { Secret } from "../../secret.ts";
import type { CredentialScope } from "./string-to-sign.ts";

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
