import { type ChainPlace, type ChainProblem, findProblem, GENESIS, type SealedRecord } from "./chain.ts";
import { type Checkpoint, fingerprint, isSignedAsItSays } from "./checkpoint.ts";

/** The result of a verification. */
export interface ChainReport {
  /** The number of the first examined record. If no record was examined, `last` is below `first`. */
  readonly first: number;
  readonly last: number;
  /** The end of the chain according to the database or the export. */
  readonly end: ChainPlace;
  /** The last place with a valid signature. */
  readonly signed: Checkpoint | undefined;
  /** The number of changes that are not sealed yet; undefined for an export. */
  readonly unsealed?: number;
  /** The first fault; undefined if the record is unbroken. */
  readonly problem: ChainProblem | undefined;
}

interface ChainVerifierOptions {
  /** Examines the records after this one; 0 for all. */
  readonly since: number;
  readonly checkpoints: readonly Checkpoint[];
  /** In the form of `encodePublicKey`. Undefined accepts any key, so that a signature proves little. */
  readonly trustedKeys: readonly string[] | undefined;
  /** Places that the chain must contain, known from outside the database. */
  readonly expected?: readonly ChainPlace[] | undefined;
}

/** Follows a chain from record to record and keeps the first fault. */
export class ChainVerifier {
  readonly #since: number;
  /** The valid checkpoints, by their place. */
  readonly #checkpoints = new Map<number, Checkpoint[]>();
  readonly #unmet: Set<ChainPlace>;
  #at: { seq: number; hash: string | undefined };
  #signed: Checkpoint | undefined;
  #problem: ChainProblem | undefined;
  /** Reported last: a bogus checkpoint must not hide an altered record. */
  #signatureProblem: ChainProblem | undefined;

  constructor({ since, checkpoints, trustedKeys, expected = [] }: ChainVerifierOptions) {
    this.#since = since;
    this.#at = since === 0 ? GENESIS : { seq: since, hash: undefined };
    this.#unmet = new Set(expected);
    for (const checkpoint of checkpoints) this.#sort(checkpoint, trustedKeys);
    if (since === 0) this.#compareWithKnown(GENESIS);
  }

  /** The number that the next record should have. */
  get expected(): number {
    return this.#at.seq + 1;
  }

  /** Whether the chain has a fault. If so, the caller can skip the other records. */
  get hasProblem(): boolean {
    return this.#problem !== undefined;
  }

  add(record: SealedRecord): void {
    if (this.#problem !== undefined) return;
    if (this.#at.hash === undefined) this.#compareWithKnown({ seq: this.#since, hash: record.previousHash });
    this.#problem ??= findProblem(record, this.#at);
    if (this.#problem !== undefined) return;
    this.#at = { seq: record.seq, hash: record.hash };
    this.#compareWithKnown(record);
  }

  /** Adds a fault that is not in the chain itself. */
  fail(problem: ChainProblem): void {
    this.#problem ??= problem;
  }

  /** Returns the report. @param end the end of the chain according to the database or the export. */
  finish(end: ChainPlace): ChainReport {
    if (this.#problem === undefined && this.#at.hash === undefined) {
      this.#at.hash = end.hash;
      this.#compareWithKnown(end);
    }
    this.#problem ??= this.#findUnmet(end) ?? this.#findEndProblem(end) ?? this.#signatureProblem;
    return { first: this.#since + 1, last: this.#at.seq, end, signed: this.#signed, problem: this.#problem };
  }

  #sort(checkpoint: Checkpoint, trustedKeys: readonly string[] | undefined): void {
    const problem = findSignatureProblem(checkpoint, trustedKeys);
    if (problem !== undefined) {
      this.#signatureProblem ??= problem;
      return;
    }
    const others = this.#checkpoints.get(checkpoint.seq) ?? [];
    this.#checkpoints.set(checkpoint.seq, [...others, checkpoint]);
  }

  #findEndProblem(end: ChainPlace): ChainProblem | undefined {
    const { seq, hash } = this.#at;
    const next = { seq: seq + 1, changeId: undefined };
    if (end.seq > seq)
      return { ...next, reason: `it is missing, and so is the rest: the chain ends at ${end.seq}` };
    if (end.seq < seq) return problemOfNone(`the chain ends at ${seq}, but should end at ${end.seq}`);
    if (end.hash !== hash) return problemOfNone(`the hash at the end, ${hash}, should be ${end.hash}`);
    const later = [...this.#checkpoints.keys()].find((signed) => signed > seq);
    if (later !== undefined)
      return { ...next, reason: `it is missing: a signed checkpoint names record ${later}` };
    return undefined;
  }

  #findUnmet(end: ChainPlace): ChainProblem | undefined {
    // If no record was examined, only `end` shows the length of the chain.
    const seq = Math.min(this.#at.seq, end.seq);
    const [unmet] = [...this.#unmet].sort((one, other) => other.seq - one.seq);
    if (unmet === undefined) return undefined;
    if (unmet.seq > seq) {
      const reason = `it is missing: the record was known to reach record ${unmet.seq}, and ends at ${seq}`;
      return { seq: seq + 1, changeId: undefined, reason };
    }
    return problemOfNone(
      `record ${unmet.seq} was to be compared, and only those after record ${this.#since} were looked at`,
    );
  }

  #compareWithKnown({ seq, hash }: ChainPlace): void {
    for (const checkpoint of this.#checkpoints.get(seq) ?? []) {
      if (checkpoint.hash === hash) this.#signed = checkpoint;
      else
        this.#failUpTo(
          seq,
          `the checkpoint that was signed there at ${checkpoint.signedAt} has another hash`,
        );
    }
    for (const place of this.#unmet) {
      if (place.seq !== seq) continue;
      if (place.hash !== hash) this.#failUpTo(seq, "another hash is known for that place");
      this.#unmet.delete(place);
    }
  }

  #failUpTo(seq: number, why: string): void {
    const reason = `rewritten: ${why}`;
    const from = (this.#signed?.seq ?? this.#since) + 1;
    this.fail(
      seq > this.#since && from <= seq
        ? { seq: from, changeId: undefined, reason: `it or a later one up to ${seq} was ${reason}` }
        : problemOfNone(`the part up to record ${seq} was ${reason}`),
    );
  }
}

function findSignatureProblem(
  checkpoint: Checkpoint,
  trustedKeys: readonly string[] | undefined,
): ChainProblem | undefined {
  const name = `the checkpoint of record ${checkpoint.seq}`;
  if (!isSignedAsItSays(checkpoint)) return problemOfNone(`${name} has no valid signature`);
  if (trustedKeys === undefined || trustedKeys.includes(checkpoint.publicKey)) return undefined;
  return problemOfNone(
    `${name} is signed with the key ${fingerprint(checkpoint.publicKey)}, which is not one of the given keys`,
  );
}

export function problemOfNone(reason: string): ChainProblem {
  return { seq: undefined, changeId: undefined, reason };
}

/** Describes a report in sentences, one a line. */
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
    ...(first > 1 ? [`Records before ${first} were not examined.`] : []),
    ...(unsealed > 0 ? [`Not sealed yet, and not examined: ${unsealed}.`] : []),
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
    ? "Not compared with an earlier place (--expect), so records that were cut from the end do not show."
    : `It contains the expected ${seqs.map((seq) => `record ${seq}`).join(", ")}.`;
}

function describeSignature(
  last: number,
  signed: ChainReport["signed"],
  isKeyGiven: boolean,
): readonly string[] {
  if (signed === undefined) {
    return ["No record is signed: anyone who can write to the database could have rewritten the record."];
  }
  const later = last - signed.seq;
  const rest =
    later === 0 ? "" : `; ${later === 1 ? "the last one is" : `the last ${later} are`} not signed yet`;
  return [
    `Signed up to record ${signed.seq} at ${signed.signedAt} with the key ${fingerprint(signed.publicKey)}${rest}.`,
    ...(isKeyGiven ? [] : ["Pass the public key (--public-key FILE) to verify the owner of that key."]),
  ];
}
