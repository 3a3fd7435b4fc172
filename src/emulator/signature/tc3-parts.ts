import { createHash } from "node:crypto";
import { headerValue, headerValues, type ReceivedRequest } from "../wire/received-request.ts";
import type { Tc3Authorization } from "./tc3-authorization.ts";

/** Everything a TC3 signature is made of, but the secret key. */
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

/** Collects the parts from what was received. Undefined when a signed header is absent or there twice. */
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

/** ASCII only: a byte above 127 must reach the hash as it came. */
function canonicalValue(value: string): string {
  return value.trim().replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
