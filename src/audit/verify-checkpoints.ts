import { CHECKPOINTS, type ChainHead, type ChainPlace, type ChainProblem, LEGACY } from "./chain.ts";
import {
  type Checkpoint,
  FIRST_CHECKPOINT,
  findSignatureFault,
  type LegacyCheckpoint,
} from "./checkpoint.ts";
import type { ChainStart, SignedPlace } from "./verify-chain.ts";

/** A checkpoint without its heads, of which there may be many. */
type Link = Pick<Checkpoint, "number" | "hash" | "previousHash" | "signedAt" | "publicKey" | "restored">;

/**
 * Follows the chain of signed checkpoints, and collects the places that they name. Two replicas with different keys may
 * sign one number during a rotation, so a checkpoint may have two successors.
 */
export class CheckpointVerifier {
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
