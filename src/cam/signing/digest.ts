import { createHmac, hash, type KeyObject } from "node:crypto";

/** Returns the SHA-256 in lower-case hex. Hashes strings as UTF-8. */
export function sha256Hex(data: string | Uint8Array): string {
  return hash("sha256", data, "hex");
}

export function hmacSha256(key: string | Uint8Array, data: string): Buffer {
  return createHmac("sha256", key).update(data).digest();
}

export function hmacSha256Hex(key: KeyObject, data: string): string {
  return createHmac("sha256", key).update(data).digest("hex");
}
