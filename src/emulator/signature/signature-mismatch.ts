import { timingSafeEqual } from "node:crypto";

/** The reason for a refused signature, for the developer of the signer. Holds no secret and no signature. */
export interface SignatureMismatch {
  /** The likely cause in words, or a note that no known cause fits. */
  cause: string;
  /** The canonical request from the received bytes; undefined for v1 and for requests that cannot be rebuilt. */
  canonicalRequest?: string;
  stringToSign?: string;
  /** The first line in which the received text and the probably signed one differ. */
  firstDifference?: { line: number; received: string; signed: string };
}

export function firstDifference(received: string, signed: string): SignatureMismatch["firstDifference"] {
  const receivedLines = received.split("\n");
  const signedLines = signed.split("\n");
  const longest = Math.max(receivedLines.length, signedLines.length);
  for (let at = 0; at < longest; at += 1) {
    const [left = "", right = ""] = [receivedLines[at], signedLines[at]];
    if (left !== right) return { line: at + 1, received: left, signed: right };
  }
  return undefined;
}

/** Compares two texts in constant time. Their lengths are public. */
export function equalInConstantTime(one: string, other: string): boolean {
  const left = Buffer.from(one);
  const right = Buffer.from(other);
  return left.length === right.length && timingSafeEqual(left, right);
}

/**
 * The hosts that a client may have signed. The Node SDK omits the port with TC3 and keeps
 * it with v1. The Go and Python SDKs always keep it.
 */
export function hostForms(hostHeader: string): string[] {
  const withoutPort = hostHeader.replace(/:\d+$/, "");
  return withoutPort === hostHeader ? [hostHeader] : [hostHeader, withoutPort];
}

/** The Node SDK uses the text before the first dot as the service: `127` for 127.0.0.1:4100. */
export function hostLabel(hostHeader: string): string {
  return hostHeader.split(".")[0] ?? "";
}
