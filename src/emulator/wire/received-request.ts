/** One request exactly as it arrived. Nothing here is decoded, folded or joined. */
export interface ReceivedRequest {
  method: string;
  /** The request target up to "?". */
  path: string;
  /** The request target after "?", as sent; "" without one. */
  query: string;
  /** In the order and spelling of the wire, duplicates kept. Values are latin1, so each character is one byte. */
  headers: readonly (readonly [name: string, value: string])[];
  /** Empty when the body was longer than `BODY_LIMIT_BYTES`; `bodyBytes` still counts it all. */
  body: Buffer;
  bodyBytes: number;
  targetBytes: number;
  /** When the last byte was in, by the emulator's monotonic clock. This is what the rate window counts. */
  arrivedAtMs: number;
}

export function headerValues(request: ReceivedRequest, lowerCaseName: string): string[] {
  return request.headers.filter(([name]) => name.toLowerCase() === lowerCaseName).map(([, value]) => value);
}

export function headerValue(request: ReceivedRequest, lowerCaseName: string): string | undefined {
  return headerValues(request, lowerCaseName)[0];
}
