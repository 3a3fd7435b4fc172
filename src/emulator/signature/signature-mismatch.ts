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
