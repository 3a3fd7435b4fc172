import type { ChainPlace } from "./chain.ts";
import { fingerprint } from "./checkpoint.ts";
import type { ChainReport } from "./verify-chain.ts";

/** A report in words, one line each. */
export function describeReport(
  { first, last, end, signed, unsealed = 0, problem }: ChainReport,
  { isKeyGiven, expected }: { readonly isKeyGiven: boolean; readonly expected: readonly ChainPlace[] },
): readonly string[] {
  if (problem !== undefined) {
    const { seq, changeId, reason } = problem;
    const where =
      seq === undefined ? "" : `record ${seq}${changeId === undefined ? "" : `, change ${changeId}`}: `;
    return [`BAD: ${where}${reason}.`];
  }
  const count = last - first + 1;
  return [
    count === 0
      ? "OK: there is no record."
      : `OK: ${count} ${count === 1 ? "record" : "records"}, ${first} to ${last}, unbroken.`,
    ...(first > 1 ? [`What came before record ${first} was not looked at.`] : []),
    ...(unsealed > 0 ? [`Not sealed yet, and not looked at: ${unsealed}.`] : []),
    ...(last > 0 ? describeSignature(last, signed, isKeyGiven) : []),
    ...(last > 0 ? [`The record ends at ${writePlace(end)}.`] : []),
    describeExpected(expected),
  ];
}

/** A place as `--expect` takes it. */
function writePlace({ seq, hash }: ChainPlace): string {
  return `${seq}:${hash}`;
}

function describeExpected(expected: readonly ChainPlace[]): string {
  const seqs = expected.map(({ seq }) => seq).sort((one, other) => one - other);
  return seqs.length === 0
    ? "Compared with no earlier place (--expect), so records that were cut from the end do not show."
    : `It contains the expected ${seqs.map((seq) => `record ${seq}`).join(", ")}.`;
}

function describeSignature(
  last: number,
  signed: ChainReport["signed"],
  isKeyGiven: boolean,
): readonly string[] {
  if (signed === undefined) {
    return ["Nothing of it is signed: whoever can write to the database could have rewritten it."];
  }
  const later = last - signed.seq;
  const rest =
    later === 0 ? "" : `; ${later === 1 ? "the last one is" : `the last ${later} are`} not signed yet`;
  return [
    `Signed up to record ${signed.seq} at ${signed.signedAt} with the key ${fingerprint(signed.publicKey)}${rest}.`,
    ...(isKeyGiven ? [] : ["Give the public key (--public-key FILE) to make sure whose key that is."]),
  ];
}
