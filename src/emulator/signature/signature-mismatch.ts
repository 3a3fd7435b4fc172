import { timingSafeEqual } from "node:crypto";

/** Why a signature was refused, for the log of whoever wrote the signer. Holds no secret and no signature. */
export interface SignatureMismatch {
  /** The likely cause in words, or that none of the known ones fits. */
  cause: string;
  /** What the emulator rebuilt from the received bytes; undefined for v1 and for requests it could not rebuild. */
  canonicalRequest?: string;
  stringToSign?: string;
  /** The first line in which the rebuilt text and the one that was probably signed differ. */
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

/** Compares without telling by its duration where two texts part. Their lengths are no secret. */
export function equalInConstantTime(one: string, other: string): boolean {
  const left = Buffer.from(one);
  const right = Buffer.from(other);
  return left.length === right.length && timingSafeEqual(left, right);
}

/**
 * The host a client may have signed for one Host header. The Node SDK leaves the port out with TC3 and keeps
 * it with v1; the Go and Python SDKs keep it always.
 */
export function hostForms(hostHeader: string): string[] {
  const withoutPort = hostHeader.replace(/:\d+$/, "");
  return withoutPort === hostHeader ? [hostHeader] : [hostHeader, withoutPort];
}

/** The Node SDK takes the endpoint's text before the first dot for the service: `127` for 127.0.0.1:4100. */
export function hostLabel(hostHeader: string): string {
  return hostHeader.split(".")[0] ?? "";
}
