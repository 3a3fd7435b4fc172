import {
  CHECKPOINTS,
  type ChainHead,
  type ChainPlace,
  type ChainProblem,
  chainStart,
  LEGACY,
  type SealedRecord,
} from "./chain.ts";
import {
  type Checkpoint,
  FIRST_CHECKPOINT,
  findSignatureFault,
  type LegacyCheckpoint,
} from "./checkpoint.ts";
import type { PrunedPlace } from "./read-record.ts";
import { type ChainReport, type ChainStart, ChainVerifier, type SignedPlace } from "./verify-chain.ts";

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

/** A checkpoint without its heads. It may have one for each account. */
type Link = Pick<Checkpoint, "number" | "hash" | "previousHash" | "signedAt" | "publicKey" | "restored">;

/**
 * Follows the chain of signed checkpoints, and collects the places that they name. Two replicas with different keys may
 * sign one number during a rotation, so a checkpoint may have two successors.
 */
class CheckpointVerifier {
  readonly #trustedKeys: readonly string[] | undefined;
  readonly #links = new Map<string, Link>();
  readonly #signed = new Map<string, Map<string, SignedPlace>>();
  #last: Link | undefined;
  #signatureFault: string | undefined;

  /** @param trustedKeys In the form of `encodePublicKey`. Undefined accepts any key, so that a signature proves little. */
  constructor(trustedKeys: readonly string[] | undefined) {
    this.#trustedKeys = trustedKeys;
  }

  /** The checkpoint with the highest number. */
  get last(): Link | undefined {
    return this.#last;
  }

  add(checkpoint: Checkpoint | LegacyCheckpoint): void {
    const fault = findSignatureFault(checkpoint, this.#trustedKeys);
    if (fault !== undefined) {
      this.#signatureFault ??= fault;
    } else if ("content" in checkpoint) {
      const { number, hash, previousHash, signedAt, publicKey, restored } = checkpoint;
      const link = { number, hash, previousHash, signedAt, publicKey, restored };
      this.#links.set(hash, link);
      if (number >= (this.#last?.number ?? 0)) this.#last = link;
      for (const head of checkpoint.heads) this.#addPlace(head, signedAt);
    } else this.#addPlace({ chain: LEGACY, ...checkpoint }, checkpoint.signedAt);
  }

  /** Returns the places of a chain that valid checkpoints name. */
  placesOf(chain: string): readonly SignedPlace[] {
    return [...(this.#signed.get(chain)?.values() ?? [])];
  }

  get chains(): readonly string[] {
    return [...this.#signed.keys()];
  }

  /**
   * Returns the first fault of the chain of checkpoints.
   * @param start the checkpoint before the first; an undefined hash accepts any.
   * @param expected checkpoints that are known from outside the database.
   */
  findProblem(start: ChainStart | undefined, expected: readonly ChainPlace[]): ChainProblem | undefined {
    for (const link of this.#links.values()) {
      const reason = this.#findLinkFault(link, start ?? { seq: 0, hash: FIRST_CHECKPOINT });
      if (reason !== undefined) return problemOf(link.number, reason);
    }
    for (const place of this.findMissing(expected)) {
      const last = this.#last?.number ?? 0;
      const reason =
        place.seq > last
          ? `it is missing: the record was known to reach checkpoint ${place.seq}, and ends at ${last}`
          : "another hash is known for that place, or it is missing";
      return problemOf(Math.min(place.seq, last + 1), reason);
    }
    return undefined;
  }

  /** Returns the places without a checkpoint, the highest first. Leaves out those of an accepted restore. */
  findMissing(expected: readonly ChainPlace[]): readonly ChainPlace[] {
    return expected
      .filter((place) => this.#links.get(place.hash)?.number !== place.seq && !this.#isLost(place))
      .toSorted((one, other) => other.seq - one.seq);
  }

  /** Returns the first checkpoint that proves nothing. Reported last: it must not hide an altered record. */
  findSignatureProblem(): ChainProblem | undefined {
    return this.#signatureFault === undefined ? undefined : problemOf(undefined, this.#signatureFault);
  }

  #findLinkFault(link: Link, start: { seq: number; hash: string | undefined }): string | undefined {
    const { number, previousHash, restored } = link;
    if (number === start.seq + 1 && (start.hash === undefined || previousHash === start.hash))
      return undefined;
    if (number <= start.seq) return `it comes before the first one, ${start.seq + 1}`;
    if (this.#links.get(previousHash)?.number === number - 1) return undefined;
    // The checkpoint before may be lost, if this one accepts a restored database.
    const before = restored ?? { number: number - 1, hash: previousHash };
    if (before.number === start.seq && (start.hash ?? before.hash) === before.hash) return undefined;
    if (this.#links.get(before.hash)?.number === before.number) return undefined;
    return `it does not follow checkpoint ${before.number}, which is missing or was rewritten`;
  }

  /** Whether a signed checkpoint accepts the loss of a place by a restore. */
  #isLost({ seq }: ChainPlace): boolean {
    return [...this.#links.values()].some(
      ({ number, restored }) => restored !== undefined && restored.number < seq && seq < number,
    );
  }

  #addPlace({ chain, seq, hash }: ChainHead, signedAt: string): void {
    const places = this.#signed.get(chain) ?? new Map<string, SignedPlace>();
    this.#signed.set(chain, places);
    const key = `${seq}:${hash}`;
    if (!places.has(key)) places.set(key, { seq, hash, signedAt });
  }
}

function problemOf(seq: number | undefined, reason: string): ChainProblem {
  return { chain: CHECKPOINTS, seq, id: undefined, reason };
}
