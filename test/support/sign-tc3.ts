import { createHash, createHmac } from "node:crypto";

/** A request to sign. This signer follows the vendor's page and shares no code with src. */
export interface Tc3Input {
  method: string;
  path?: string;
  query?: string;
  /** The headers to sign, in the order of their names. */
  headers: readonly (readonly [name: string, value: string])[];
  payload: string | Buffer;
  /** Instead of the payload's own hash. */
  payloadHash?: string;
  timestamp: number;
  /** The scope's date; the timestamp's UTC date without it. */
  date?: string;
  service: string;
  secretId: string;
  secretKey: string;
}

export interface Tc3Signed {
  canonicalRequest: string;
  hashedCanonicalRequest: string;
  stringToSign: string;
  signature: string;
  authorization: string;
}

export function signTc3(input: Tc3Input): Tc3Signed {
  const date = input.date ?? new Date(input.timestamp * 1000).toISOString().split("T")[0];
  const names = input.headers.map(([name]) => name.toLowerCase()).join(";");
  let canonicalRequest = `${input.method}\n${input.path ?? "/"}\n${input.query ?? ""}\n`;
  for (const [name, value] of input.headers) {
    canonicalRequest += `${name.toLowerCase()}:${value.trim().toLowerCase()}\n`;
  }
  canonicalRequest += `\n${names}\n${input.payloadHash ?? sha256(input.payload)}`;
  const hashedCanonicalRequest = sha256(canonicalRequest);
  const scope = `${date}/${input.service}/tc3_request`;
  const stringToSign = `TC3-HMAC-SHA256\n${input.timestamp}\n${scope}\n${hashedCanonicalRequest}`;
  let key: Buffer = Buffer.from(`TC3${input.secretKey}`);
  for (const step of [...scope.split("/"), stringToSign]) {
    key = createHmac("sha256", key).update(step).digest();
  }
  const signature = key.toString("hex");
  const authorization = `TC3-HMAC-SHA256 Credential=${input.secretId}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
  return { canonicalRequest, hashedCanonicalRequest, stringToSign, signature, authorization };
}

function sha256(payload: string | Buffer): string {
  return createHash("sha256").update(payload).digest("hex");
}
