import { createPublicKey, type KeyObject } from "node:crypto";
import type { Clock } from "../clock.ts";
import type { Database } from "../database/database.ts";
import { Rounds } from "../rounds.ts";
import { type ChainProblem, GENESIS } from "./chain.ts";
import { type Checkpoint, encodePublicKey, signCheckpoint } from "./checkpoint.ts";
import { readEnd, readLastCheckpoint, readRecords } from "./read-record.ts";
import { ChainVerifier } from "./verify-chain.ts";

export interface AuditCheckpointerDeps {
  readonly database: Database;
  /** Ed25519. */
  readonly privateKey: KeyObject;
  readonly clock: Clock;
  readonly intervalMs: number;
  readonly observer?: CheckpointObserver;
}

export interface CheckpointObserver {
  onSigned(checkpoint: Checkpoint): void;
  /** The record since the last checkpoint is not what it was: nothing more is signed until somebody has looked. */
  onBroken(problem: ChainProblem): void;
  /** A round that could not be made, for example because the store does not answer. */
  onError(error: unknown): void;
}

/**
 * Signs, now and then, where the chain of the record is, so that nobody who has the database but not the key can
 * rewrite what came before. Several replicas may do so at once; one checkpoint a record is kept.
 */
export class AuditCheckpointer {
  readonly #deps: AuditCheckpointerDeps;
  readonly #publicKey: string;
  readonly #rounds: Rounds;

  constructor(deps: AuditCheckpointerDeps) {
    this.#deps = deps;
    this.#rounds = new Rounds(deps.clock, () => this.#round());
    this.#publicKey = encodePublicKey(createPublicKey(deps.privateKey));
  }

  start(): void {
    this.#rounds.start();
  }

  /** Resolves when the round under way is over. */
  stop(): Promise<void> {
    return this.#rounds.stop();
  }

  /**
   * Signs the end of the chain as it is now, where something was recorded since the last checkpoint and what was
   * follows from it.
   * @returns the checkpoint, or undefined where there was nothing to sign or something is wrong.
   */
  async checkpoint(): Promise<Checkpoint | undefined> {
    const { database, observer } = this.#deps;
    const last = await readLastCheckpoint(database.db);
    const end = await readEnd(database.db);
    const before = last ?? GENESIS;
    if (end.seq === before.seq && end.hash === before.hash) return undefined;
    const verifier = new ChainVerifier({
      since: before.seq,
      checkpoints: last ? [last] : [],
      trustedKeys: last?.publicKey === this.#publicKey ? [this.#publicKey] : undefined,
    });
    for await (const record of readRecords(database.db, before.seq, end.seq)) verifier.add(record);
    const { problem } = verifier.finish(end);
    if (problem !== undefined) {
      observer?.onBroken(problem);
      return undefined;
    }
    const signedAt = new Date(this.#deps.clock.now()).toISOString();
    const checkpoint = signCheckpoint(end, signedAt, this.#deps.privateKey);
    return (await this.#store(checkpoint)) ? checkpoint : undefined;
  }

  /** Whether it is this one that is kept, and not that of a replica which was quicker. */
  async #store({ seq, hash, signedAt, publicKey, signature }: Checkpoint): Promise<boolean> {
    const kept = await this.#deps.database.db
      .insertInto("audit_checkpoint")
      .values({ seq, hash, signed_at: signedAt, public_key: publicKey, signature })
      .onConflict((conflict) => conflict.doNothing())
      .returning("seq")
      .executeTakeFirst();
    return kept !== undefined;
  }

  async #round(): Promise<number> {
    const { intervalMs, observer } = this.#deps;
    try {
      const checkpoint = await this.checkpoint();
      if (checkpoint !== undefined) observer?.onSigned(checkpoint);
    } catch (error) {
      observer?.onError(error);
    }
    return intervalMs;
  }
}
