/** A header of the request. The case of names and values, and the space around them, do not matter. */
export type HeaderField = readonly [name: string, value: string];

interface CanonicalRequestInput {
  readonly method: "GET" | "POST";
  /** The query string after `?`, percent-encoded by RFC 3986. Empty for POST. */
  readonly query: string;
  /** The headers to sign. TC3 requires at least content-type and host. */
  readonly headers: readonly HeaderField[];
  /** Lower-case hex SHA-256 of the body bytes. */
  readonly payloadHash: string;
}

interface CanonicalRequest {
  readonly text: string;
  /** The names of the signed headers, sorted and joined by `;`. The Authorization header repeats them. */
  readonly signedHeaders: string;
}

/**
 * Creates the canonical request: step 1 of TC3-HMAC-SHA256. The gateway and CAM build the same text from a request.
 * The path is always `/`. Source: https://www.tencentcloud.com/document/product/1154/48911
 */
export function createCanonicalRequest(input: CanonicalRequestInput): CanonicalRequest {
  const fields = input.headers.map(
    ([name, value]) => [name.trim().toLowerCase(), value.trim().toLowerCase()] as const,
  );
  fields.sort(([left], [right]) => (left < right ? -1 : left > right ? 1 : 0));
  let headerLines = "";
  let signedHeaders = "";
  for (const [name, value] of fields) {
    headerLines += `${name}:${value}\n`;
    signedHeaders += signedHeaders === "" ? name : `;${name}`;
  }
  return {
    text: `${input.method}\n/\n${input.query}\n${headerLines}\n${signedHeaders}\n${input.payloadHash}`,
    signedHeaders,
  };
}
