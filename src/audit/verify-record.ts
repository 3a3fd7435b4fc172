import { CHECKPOINTS, type ChainHead, type ChainProblem, chainStart, type SealedRecord } from "./chain.ts";
import type { Checkpoint, LegacyCheckpoint } from "./checkpoint.ts";
import type { PrunedPlace } from "./pruned-places.ts";
import { type ChainReport, type ChainStart, ChainVerifier } from "./verify-chain.ts";
import { CheckpointVerifier } from "./verify-checkpoints.ts";

/** The result of a verification. */
export interface RecordReport {
  readonly chains: readonly ChainReport[];
  /** How many records were examined. */
  readonly records: number;
  /** How many of them were not shown, only their digests. */
  readonly hidden: number;
  /** The places after which chains begin, if not at their start. */
  readonly starts: readonly ChainStart[];
  /** The ends of the chains according to the database or the export. */
  readonly ends: readonly ChainHead[];
  /** The last checkpoint with a valid signature. */
  readonly signed: Pick<Checkpoint, "number" | "hash" | "signedAt" | "publicKey"> | undefined;
  /** The number of changes that are not sealed yet; undefined for an export. */
  readonly unsealed?: number;
  /** The ends of what `audit prune` removed; undefined for an export. */
  readonly pruned?: readonly PrunedPlace[];
  /** The first fault; undefined if the record is unbroken. */
  readonly problem: ChainProblem | undefined;
}

interface RecordVerifierOptions {
  /** The hash at the end of the chain `legacy`, from which the other chains start. */
  readonly legacyEnd: string;
  /** Where the verification of chains begins, if not at their start. */
  readonly starts?: readonly ChainStart[] | undefined;
  readonly trustedKeys: readonly string[] | undefined;
  /** Places that the record must contain, known from outside the database. */
  readonly expected?: readonly ChainHead[] | undefined;
}

/**
 * Verifies all chains of a record and the checkpoints that sign them. Add the checkpoints first, in the order of their
 * numbers, and then the records of each chain in their order.
 */
export class RecordVerifier {
  readonly #options: RecordVerifierOptions;
  readonly #expected: ReadonlyMap<string, readonly ChainHead[]>;
  readonly #checkpoints: CheckpointVerifier;
  readonly #chains = new Map<string, ChainVerifier>();
  #records = 0;
  #hidden = 0;
  #problem: ChainProblem | undefined;

  constructor(options: RecordVerifierOptions) {
    this.#options = options;
    this.#expected = Map.groupBy(options.expected ?? [], ({ chain }) => chain);
    this.#checkpoints = new CheckpointVerifier(options.trustedKeys);
  }

  /** Whether the record has a fault. If so, the caller can skip the rest. */
  get hasProblem(): boolean {
    return this.#problem !== undefined || this.#findChainProblem() !== undefined;
  }

  addCheckpoint(checkpoint: Checkpoint | LegacyCheckpoint): void {
    this.#checkpoints.add(checkpoint);
  }

  add(record: SealedRecord): void {
    this.chain(record.chain).add(record);
    this.#records += 1;
    if (record.content === undefined) this.#hidden += 1;
  }

  /** Returns the verifier of one chain, which all checkpoints must have been added before. */
  chain(name: string): ChainVerifier {
    const known = this.#chains.get(name);
    if (known !== undefined) return known;
    const verifier = new ChainVerifier({
      start: this.#startOf(name),
      signed: this.#checkpoints.placesOf(name),
      expected: this.#expected.get(name) ?? [],
    });
    this.#chains.set(name, verifier);
    return verifier;
  }

  /** Requires that a valid checkpoint names the place up to which a chain was pruned. */
  requireSigned({ chain, seq, hash }: ChainHead): void {
    const places = this.#checkpoints.placesOf(chain);
    if (places.some((place) => place.seq === seq && place.hash === hash)) return;
    const reason = "it was pruned with the records before it, and no valid checkpoint names it";
    this.chain(chain).fail({ seq, id: undefined, reason });
  }

  /** Returns the expected checkpoints that the record lacks, the highest first. */
  findMissingCheckpoints(expected: readonly ChainHead[]): readonly ChainHead[] {
    return this.#checkpoints.findMissing(expected).map((place) => ({ chain: CHECKPOINTS, ...place }));
  }

  /** Adds a fault that belongs to no record. */
  fail(reason: string): void {
    this.#problem ??= { chain: undefined, seq: undefined, id: undefined, reason };
  }

  /** Returns the report. @param ends the ends of all chains according to the database or the export. */
  finish(ends: readonly ChainHead[]): RecordReport {
    const broken = this.#findChainProblem();
    const chains = ends.map((end) => this.chain(end.chain).finish(end));
    const missing = [...this.#checkpoints.chains, ...this.#expected.keys(), ...this.#chains.keys()].find(
      (name) => name !== CHECKPOINTS && ends.every(({ chain }) => chain !== name),
    );
    const { starts = [] } = this.#options;
    const start = starts.find(({ chain }) => chain === CHECKPOINTS);
    const problem =
      broken ??
      this.#problem ??
      this.#findChainProblem() ??
      (missing === undefined ? undefined : missingChain(missing)) ??
      this.#checkpoints.findProblem(start, this.#expected.get(CHECKPOINTS) ?? []) ??
      this.#checkpoints.findSignatureProblem();
    const signed = this.#checkpoints.last;
    return { chains, records: this.#records, hidden: this.#hidden, starts, ends, signed, problem };
  }

  #findChainProblem(): ChainProblem | undefined {
    return [...this.#chains.values()].find(({ problem }) => problem !== undefined)?.problem;
  }

  #startOf(chain: string): ChainStart {
    const { starts, legacyEnd } = this.#options;
    const start = starts?.find((each) => each.chain === chain) ?? { chain, seq: 0, hash: undefined };
    return start.seq === 0 ? { ...start, hash: chainStart(chain, legacyEnd) } : start;
  }
}

function missingChain(chain: string): ChainProblem {
  return {
    chain,
    seq: undefined,
    id: undefined,
    reason: "the whole chain is missing, and it was known to exist",
  };
}
