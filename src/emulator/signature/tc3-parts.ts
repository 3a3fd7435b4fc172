import { createHash, createHmac } from "node:crypto";
import { headerValue, headerValues, type ReceivedRequest } from "../wire/received-request.ts";

/** The inputs of a TC3 signature, without the secret key. */
export interface Tc3Parts {
  method: string;
  path: string;
  query: string;
  /** Canonical: names lower-case and ascending, values trimmed and lower-case. */
  headers: readonly (readonly [name: string, value: string])[];
  payloadHash: string;
  timestamp: string;
  date: string;
  service: string;
}

const UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD";

/** Collects the parts of a received request. Returns undefined when a signed header is absent or repeated. */
export function readTc3Parts(
  request: ReceivedRequest,
  authorization: Tc3Authorization,
): Tc3Parts | undefined {
  const headers: [string, string][] = [];
  for (const name of authorization.signedHeaders) {
    const [value, ...more] = headerValues(request, name);
    if (value === undefined || more.length > 0) return undefined;
    headers.push([name, canonicalValue(value)]);
  }
  return {
    method: request.method,
    path: request.path,
    query: request.query,
    headers,
    payloadHash: sha256Hex(isUnsigned(request) ? Buffer.from(UNSIGNED_PAYLOAD) : request.body),
    timestamp: headerValue(request, "x-tc-timestamp") ?? "",
    date: authorization.date,
    service: authorization.service,
  };
}

export function sha256Hex(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function isUnsigned(request: ReceivedRequest): boolean {
  return headerValue(request, "x-tc-content-sha256") === UNSIGNED_PAYLOAD;
}

/** Lower-cases ASCII only: bytes above 127 must reach the hash unchanged. */
function canonicalValue(value: string): string {
  return value.trim().replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** The parts of `TC3-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`. */
export interface Tc3Authorization {
  secretId: string;
  /** The scope: `date/service/tc3_request`. Some SDKs derive odd services from an endpoint, even with a colon inside. */
  date: string;
  service: string;
  signedHeaders: readonly string[];
  signature: string;
}

const AUTHORIZATION = new RegExp(
  [
    "^TC3-HMAC-SHA256 +Credential=(?<secretId>[^/,\\s]+)/(?<date>\\d{4}-\\d{2}-\\d{2})/(?<service>[^/,\\s]+)/tc3_request",
    " *SignedHeaders=(?<signedHeaders>[^,\\s]+)",
    " *Signature=(?<signature>[0-9a-f]{64})$",
  ].join(","),
);

/** Returns undefined for a header that breaks the vendor's rules, for example without content-type or host. */
export function parseTc3Authorization(text: string): Tc3Authorization | undefined {
  const groups = AUTHORIZATION.exec(text)?.groups;
  if (!groups) return undefined;
  const { secretId = "", date = "", service = "", signedHeaders = "", signature = "" } = groups;
  const names = signedHeaders.split(";");
  if (!followsListRules(names)) return undefined;
  return { secretId, date, service, signedHeaders: names, signature };
}

function followsListRules(names: readonly string[]): boolean {
  const ascending = names.every((name, at) => at === 0 || (names[at - 1] ?? "") < name);
  const lowerCase = names.every((name) => /^[a-z0-9-]+$/.test(name));
  return ascending && lowerCase && names.includes("content-type") && names.includes("host");
}

/** Step 1 of https://www.tencentcloud.com/document/product/1154/48911. One character is one byte (latin1). */
export function tc3CanonicalRequest(parts: Tc3Parts): string {
  const canonicalHeaders = parts.headers.map(([name, value]) => `${name}:${value}\n`).join("");
  const signedHeaders = parts.headers.map(([name]) => name).join(";");
  return [parts.method, parts.path, parts.query, canonicalHeaders, signedHeaders, parts.payloadHash].join(
    "\n",
  );
}

/** Step 2: the algorithm, the timestamp, the scope and the hash of the canonical request. */
export function tc3StringToSign(parts: Tc3Parts): string {
  const hashed = sha256Hex(Buffer.from(tc3CanonicalRequest(parts), "latin1"));
  return ["TC3-HMAC-SHA256", parts.timestamp, `${parts.date}/${parts.service}/tc3_request`, hashed].join(
    "\n",
  );
}

/** Step 3: the expected signature. Derives the key from the date and service of the scope. */
export function tc3Signature(parts: Tc3Parts, secretKey: string): string {
  const dateKey = hmac(`TC3${secretKey}`, parts.date);
  const serviceKey = hmac(dateKey, parts.service);
  const signingKey = hmac(serviceKey, "tc3_request");
  return hmac(signingKey, tc3StringToSign(parts)).toString("hex");
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text, "latin1").digest();
}
