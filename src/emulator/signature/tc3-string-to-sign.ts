import { tc3CanonicalRequest } from "./tc3-canonical-request.ts";
import { sha256Hex, type Tc3Parts } from "./tc3-parts.ts";

/** Step 2: the algorithm, the timestamp, the scope and the hash of the canonical request. */
export function tc3StringToSign(parts: Tc3Parts): string {
  const hashed = sha256Hex(Buffer.from(tc3CanonicalRequest(parts), "latin1"));
  return ["TC3-HMAC-SHA256", parts.timestamp, `${parts.date}/${parts.service}/tc3_request`, hashed].join(
    "\n",
  );
}
