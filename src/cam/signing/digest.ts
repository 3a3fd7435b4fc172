import { createHmac, hash, type KeyObject } from "node:crypto";

/** Lower-case hex SHA-256. Strings are hashed as UTF-8. */
export function sha256Hex(data: string | Uint8Array): string {
  return hash("sha256", data, "hex");
}

export function hmacSha256(key: string | Uint8Array, data: string): Buffer {
  return createHmac("sha256", key).update(data).digest();
}

export function hmacSha256Hex(key: KeyObject, data: string): string {
  return createHmac("sha256", key).update(data).digest("hex");
}
