import type { TemporaryKey } from "./key-issuer.ts";

/** A temporary key as STS writes it, and the metadata service in its own arrangement. */
export function temporaryCredentials(key: TemporaryKey) {
  return { Token: key.token, TmpSecretId: key.secretId, TmpSecretKey: key.secretKey };
}

/** When it ends: Unix seconds, and the same as text without fractions. */
export function expiryOf(key: TemporaryKey) {
  const seconds = Date.parse(key.expiresAt) / 1000;
  return { ExpiredTime: seconds, Expiration: key.expiresAt.replace(/\.\d+Z$/, "Z") };
}
