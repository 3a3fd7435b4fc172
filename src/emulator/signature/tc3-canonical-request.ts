import type { Tc3Parts } from "./tc3-parts.ts";

/** Step 1 of https://www.tencentcloud.com/document/product/1154/48911. Characters stand for bytes (latin1). */
export function tc3CanonicalRequest(parts: Tc3Parts): string {
  const canonicalHeaders = parts.headers.map(([name, value]) => `${name}:${value}\n`).join("");
  const signedHeaders = parts.headers.map(([name]) => name).join(";");
  return [parts.method, parts.path, parts.query, canonicalHeaders, signedHeaders, parts.payloadHash].join(
    "\n",
  );
}
