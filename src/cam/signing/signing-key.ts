import { createSecretKey, type KeyObject } from "node:crypto";
import type { Secret } from "../../secret.ts";
import type { CredentialScope } from "./credential-scope.ts";
import { hmacSha256 } from "./digest.ts";

/** Step 3 of TC3: the secret key narrowed to one day and one service by three HMACs. */
export function deriveSigningKey(secretKey: Secret, scope: CredentialScope): Buffer {
  const dateKey = hmacSha256(`TC3${secretKey.reveal()}`, scope.date);
  const serviceKey = hmacSha256(dateKey, scope.service);
  return hmacSha256(serviceKey, "tc3_request");
}

/** Two services on either side of midnight, for two keys while one replaces the other. */
const MAX_CACHED_KEYS = 8;

/**
 * Keeps derived keys, because a key is good for a whole UTC day and deriving it is most of a signature's cost.
 * Keyed by the Secret object and not by its text: a rotated key is a new Secret, and an old one can be
 * garbage-collected with it. Kept as KeyObjects, because bytes would be imported again at every signature, which
 * takes several times as long as the HMAC itself.
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
