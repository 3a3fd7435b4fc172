import {
  type ChainHead,
  type ChainPlace,
  type ChainProblem,
  findProblem,
  type SealedRecord,
} from "./chain.ts";

/** The place after which a verification begins. An undefined hash matches any. */
export interface ChainStart {
  readonly chain: string;
  readonly seq: number;
  readonly hash: string | undefined;
}

/** A place that a valid checkpoint names. */
export interface SignedPlace extends ChainPlace {
  readonly signedAt: string;
}

interface ChainVerifierOptions {
  readonly start: ChainStart;
  /** Several checkpoints may name one place. */
  readonly signed: readonly SignedPlace[];
  /** Places that the chain must contain, known from outside the database. */
  readonly expected: readonly ChainPlace[];
}

/** The result for one chain. */
export interface ChainReport {
  readonly chain: string;
  /** The number of the last examined record. */
  readonly last: number;
  /** The number of the last record that a valid checkpoint names, or that of the start. */
  readonly signed: number;
}

/** Follows one chain from record to record and keeps the first fault. */
export class ChainVerifier {
  readonly #start: ChainStart;
  readonly #known: ReadonlyMap<number, readonly SignedPlace[]>;
  readonly #unmet: Set<ChainPlace>;
  #at: { seq: number; hash: string | undefined };
  #signed: number;
  #problem: ChainProblem | undefined;

  constructor({ start, signed, expected }: ChainVerifierOptions) {
    this.#start = start;
    this.#at = { seq: start.seq, hash: start.hash };
    this.#signed = start.seq;
    this.#known = Map.groupBy(signed, ({ seq }) => seq);
    this.#unmet = new Set(expected);
    if (start.hash !== undefined) this.#compareWithKnown({ seq: start.seq, hash: start.hash });
  }

  /** The number that the next record should have. */
  get next(): number {
    return this.#at.seq + 1;
  }

  /** The first fault. If there is one, the caller can skip the other records. */
  get problem(): ChainProblem | undefined {
    return this.#problem;
  }

  add(record: SealedRecord): void {
    if (this.#problem !== undefined) return;
    if (this.#at.hash === undefined) {
      this.#compareWithKnown({ seq: this.#start.seq, hash: record.previousHash });
    }
    this.#problem ??= findProblem(record, this.#at);
    if (this.#problem !== undefined) return;
    this.#at = { seq: record.seq, hash: record.hash };
    this.#compareWithKnown(record);
  }

  /** Adds a fault that is not in the chain itself. */
  fail(problem: Omit<ChainProblem, "chain">): void {
    this.#problem ??= { chain: this.#start.chain, ...problem };
  }

  /** Returns the result. @param end the end of the chain according to the database or the export. */
  finish(end: ChainHead): ChainReport {
    if (this.#problem === undefined && this.#at.hash === undefined) {
      this.#at.hash = end.hash;
      this.#compareWithKnown({ seq: this.#start.seq, hash: end.hash });
    }
    if (this.#problem === undefined) this.#compareEnd(end);
    if (this.#problem === undefined) this.#findUnmet();
    const { chain } = this.#start;
    return { chain, last: this.#at.seq, signed: this.#signed };
  }

  #compareEnd(end: ChainHead): void {
    const { seq, hash } = this.#at;
    const next = { seq: seq + 1, id: undefined };
    const known = [...this.#unmet, ...[...this.#known.values()].flat()].map((place) => place.seq);
    const highest = Math.max(...known);
    if (highest > Math.min(seq, end.seq)) {
      const reason = `it is missing: the chain was known to reach record ${highest}, and ends at ${Math.min(seq, end.seq)}`;
      this.fail({ ...next, seq: Math.min(seq, end.seq) + 1, reason });
    } else if (end.seq > seq) {
      this.fail({ ...next, reason: `it is missing, and so is the rest: the chain ends at ${end.seq}` });
    } else if (end.seq < seq) {
      this.#failWhole(`the chain ends at ${seq}, but should end at ${end.seq}`);
    } else if (end.hash !== hash) {
      this.#failWhole(`the hash at the end, ${hash}, should be ${end.hash}`);
    }
  }

  #findUnmet(): void {
    const [unmet] = [...this.#unmet].sort((one, other) => other.seq - one.seq);
    if (unmet === undefined) return;
    this.#failWhole(
      `record ${unmet.seq} was to be compared, and only those after record ${this.#start.seq} were looked at`,
    );
  }

  #compareWithKnown({ seq, hash }: ChainPlace): void {
    for (const place of this.#known.get(seq) ?? []) {
      if (place.hash === hash) this.#signed = seq;
      else this.#failUpTo(seq, `the checkpoint that was signed there at ${place.signedAt} has another hash`);
    }
    for (const place of this.#unmet) {
      if (place.seq !== seq) continue;
      if (place.hash !== hash) this.#failUpTo(seq, "another hash is known for that place");
      this.#unmet.delete(place);
    }
  }

  #failUpTo(seq: number, why: string): void {
    const from = this.#signed + 1;
    if (seq > this.#start.seq && from <= seq) {
      this.fail({ seq: from, id: undefined, reason: `it or a later one up to ${seq} was rewritten: ${why}` });
    } else this.#failWhole(`the part up to record ${seq} was rewritten: ${why}`);
  }

  #failWhole(reason: string): void {
    this.fail({ seq: undefined, id: undefined, reason });
  }
}
