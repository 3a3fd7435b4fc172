import { createPublicKey, type KeyObject } from "node:crypto";
import { type Kysely, sql } from "kysely";
import type { Clock } from "../clock.ts";
import type { Database } from "../database/database.ts";
import type { Tables } from "../database/tables.ts";
import { Poller } from "../poller.ts";
import { type ChainPlace, type ChainProblem, RECORD_CHAIN } from "./chain.ts";
import type { ChainAnchors } from "./chain-anchors.ts";
import { type Checkpoint, encodePublicKey, isSignedAsItSays, signCheckpoint } from "./checkpoint.ts";
import { atOneMoment, readCheckpointsBy, readEnd, readLastCheckpoint, readRecords } from "./read-record.ts";
import { ChainVerifier } from "./verify-chain.ts";
import { addStored } from "./verify-database.ts";

export interface AuditCheckpointerDeps {
  readonly database: Database;
  /** Ed25519. */
  readonly privateKey: KeyObject;
  /** The key before it, while keys are changed: what it signed counts as well. */
  readonly previousKey?: KeyObject | undefined;
  readonly anchors: ChainAnchors;
  readonly clock: Clock;
  readonly intervalMs: number;
  readonly observer?: CheckpointObserver;
}

export interface CheckpointObserver {
  onSigned(checkpoint: Checkpoint, chain: string): void;
  /** At the start: nothing from outside the database says what the record was before. */
  onNoAnchor(chain: string): void;
  /** The record is not what this replica knows it to be. It signs nothing while that is so. */
  onBroken(problem: ChainProblem, chain: string): void;
  /** A round that could not be made, for example because the store does not answer. */
  onError(error: unknown): void;
}

/** What a look at the record came to. */
type Examined = { readonly problem: ChainProblem } | SoundRecord;

interface SoundRecord {
  readonly end: ChainPlace;
  /** Whether this key has signed the end. */
  readonly isSigned: boolean;
  /** Signatures at the end that bear the name of this key and are not valid. */
  readonly bogus: readonly string[];
}

/**
 * Signs, now and then, where the chain of the record is, so that nobody who has the database but not the key can
 * rewrite what came before. Several replicas may do so at once; one checkpoint a record is kept.
 *
 * Before it signs, the record has to contain what this replica signed before, as its anchors say, and what came since
 * has to follow from that. The database's own word for what was signed before is not taken.
 */
export class AuditCheckpointer {
  readonly #deps: AuditCheckpointerDeps;
  readonly #publicKey: string;
  readonly #trustedKeys: readonly string[];
  readonly #rounds: Poller;

  constructor(deps: AuditCheckpointerDeps) {
    this.#deps = deps;
    this.#rounds = new Poller(deps.clock, () => this.#round());
    this.#publicKey = publicKeyOf(deps.privateKey);
    this.#trustedKeys = [
      this.#publicKey,
      ...(deps.previousKey === undefined ? [] : [publicKeyOf(deps.previousKey)]),
    ];
  }

  /** @throws AnchorFileError */
  async start(): Promise<void> {
    const anchors = await this.#deps.anchors.placesOf(RECORD_CHAIN);
    if (anchors.length === 0) this.#deps.observer?.onNoAnchor(RECORD_CHAIN);
    this.#rounds.start();
  }

  /** Resolves when the round under way is over. */
  stop(): Promise<void> {
    return this.#rounds.stop();
  }

  /**
   * Signs the end of the chain as it is now, where this key has not signed it and nothing is wrong.
   * @returns the checkpoint, or undefined where there was nothing to sign or something is wrong.
   * @throws AnchorFileError
   */
  async checkpoint(): Promise<Checkpoint | undefined> {
    const { database, anchors, observer, clock, privateKey } = this.#deps;
    const places = await anchors.placesOf(RECORD_CHAIN);
    const examined = await database.unhurried((db) =>
      atOneMoment(db, (moment) => this.#examine(moment, places)),
    );
    if ("problem" in examined) {
      observer?.onBroken(examined.problem, RECORD_CHAIN);
      return undefined;
    }
    const { end, isSigned, bogus } = examined;
    if (end.seq === 0) return undefined;
    await anchors.keep(RECORD_CHAIN, end);
    if (isSigned) return undefined;
    const checkpoint = signCheckpoint(end, new Date(clock.now()).toISOString(), privateKey);
    return (await this.#store(checkpoint, bogus)) ? checkpoint : undefined;
  }

  async #examine(db: Kysely<Tables>, anchors: readonly ChainPlace[]): Promise<Examined> {
    const end = await readEnd(db);
    const since = await this.#whereToBegin(db, anchors);
    const found = await readCheckpointsBy(db, this.#trustedKeys, since);
    const signed = found.filter(isSignedAsItSays);
    const verifier = new ChainVerifier({
      since,
      checkpoints: signed,
      trustedKeys: this.#trustedKeys,
      expected: anchors,
    });
    for await (const record of readRecords(db, since)) {
      addStored(verifier, record);
      if (verifier.hasProblem) break;
    }
    const { problem } = verifier.finish(end);
    if (problem !== undefined) return { problem };
    const atEnd = found.filter(({ seq, publicKey }) => seq === end.seq && publicKey === this.#publicKey);
    const isSigned = atEnd.some((checkpoint) => signed.includes(checkpoint));
    return { end, isSigned, bogus: atEnd.map(({ signature }) => signature) };
  }

  /** Before the last place that is known to be good, so that the record at that place is looked at as well. */
  async #whereToBegin(db: Kysely<Tables>, anchors: readonly ChainPlace[]): Promise<number> {
    const known = anchors.map(({ seq }) => seq);
    if (known.length === 0) {
      const last = await readLastCheckpoint(db, this.#trustedKeys, isSignedAsItSays);
      known.push(last?.seq ?? 0);
    }
    return Math.max(0, Math.min(...known) - 1);
  }

  /** Whether it is this one that is kept, and not that of a replica which was quicker. */
  async #store(
    { seq, hash, signedAt, publicKey, signature }: Checkpoint,
    bogus: readonly string[],
  ): Promise<boolean> {
    const { rows } = await sql<{ kept: boolean }>`
      select keep_checkpoint(
        ${seq}, ${hash}, ${signedAt}, ${publicKey}, ${signature}, ${sql`array[${sql.join(["", ...bogus])}]::text[]`}
      ) as kept`.execute(this.#deps.database.db);
    return rows[0]?.kept ?? false;
  }

  async #round(): Promise<number> {
    const { intervalMs, observer } = this.#deps;
    try {
      const checkpoint = await this.checkpoint();
      if (checkpoint !== undefined) observer?.onSigned(checkpoint, RECORD_CHAIN);
    } catch (error) {
      observer?.onError(error);
    }
    return intervalMs;
  }
}

function publicKeyOf(privateKey: KeyObject): string {
  return encodePublicKey(createPublicKey(privateKey));
}
