import { createHmac } from "node:crypto";
import type { Tc3Parts } from "./tc3-parts.ts";
import { tc3StringToSign } from "./tc3-string-to-sign.ts";

/** Step 3: the signature these parts must carry. The key is derived from the scope's own date and service. */
export function tc3Signature(parts: Tc3Parts, secretKey: string): string {
  const dateKey = hmac(`TC3${secretKey}`, parts.date);
  const serviceKey = hmac(dateKey, parts.service);
  const signingKey = hmac(serviceKey, "tc3_request");
  return hmac(signingKey, tc3StringToSign(parts)).toString("hex");
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text, "latin1").digest();
}
