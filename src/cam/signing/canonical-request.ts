/** A header as it goes on the wire. Name case and surrounding space do not matter; the value's case does not either. */
export type HeaderField = readonly [name: string, value: string];

export interface CanonicalRequestInput {
  readonly method: "GET" | "POST";
  /** Everything after `?`, already percent-encoded by RFC 3986; empty for POST. */
  readonly query: string;
  /** The headers to sign. TC3 demands at least content-type and host. */
  readonly headers: readonly HeaderField[];
  /** Lower-case hex SHA-256 of the body bytes. */
  readonly payloadHash: string;
}

export interface CanonicalRequest {
  readonly text: string;
  /** The signed header names, sorted and joined by `;`, as the Authorization header repeats them. */
  readonly signedHeaders: string;
}

/**
 * Step 1 of TC3-HMAC-SHA256: one text that both sides can rebuild from the request.
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
