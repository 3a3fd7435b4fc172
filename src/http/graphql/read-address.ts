import type { RequestProblem } from "./graphql-request.ts";

/** A percent sign that encodes no byte stands for itself, as in https://url.spec.whatwg.org/#percent-decode. */
const LONE_PERCENT = /%(?![0-9a-f]{2})/gi;

/**
 * Returns the search parameters of a request's address. Decoders of addresses replace bytes that are not UTF-8, so
 * these are refused first, and so are bytes that are not percent-encoded, of which Node does not tell the encoding.
 */
export function readAddress(address: string): URLSearchParams | RequestProblem {
  const { search } = new URL(address, "http://gateway");
  if (/[^ -~]/.test(address))
    return { problem: "Percent-encode every byte of the address that is not ASCII." };
  try {
    decodeURIComponent(search.replace(LONE_PERCENT, "%25"));
  } catch {
    return { problem: "The address has percent-encoded bytes that are not UTF-8." };
  }
  return new URLSearchParams(search);
}
