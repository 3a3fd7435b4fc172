import { createPublicKey, type KeyObject } from "node:crypto";
import { type Kysely, sql } from "kysely";
import type { Clock } from "../clock.ts";
import type { Database, Tables } from "../database/database.ts";
import { Poller } from "../poller.ts";
import type { Report } from "../telemetry/log-events.ts";
import { type ChainPlace, type ChainProblem, RECORD_CHAIN } from "./chain.ts";
import type { ChainAnchors } from "./chain-anchors.ts";
import { type Checkpoint, encodePublicKey, isSignedAsItSays, signCheckpoint } from "./checkpoint.ts";
import { atOneMoment, readCheckpointsBy, readEnd, readLastCheckpoint, readRecords } from "./read-record.ts";
import { ChainVerifier } from "./verify-chain.ts";
import { addStored } from "./verify-database.ts";

interface AuditCheckpointerDeps {
  readonly database: Database;
  /** Ed25519. */
  readonly privateKey: KeyObject;
  /** The previous key, during a rotation. Its signatures are valid too. */
  readonly previousKey?: KeyObject | undefined;
  readonly anchors: ChainAnchors;
  readonly clock: Clock;
  readonly intervalMs: number;
  readonly report?: Report;
}

/** The result of an examination of the record. */
type Examined = { readonly problem: ChainProblem } | SoundRecord;

interface SoundRecord {
  readonly end: ChainPlace;
  /** Whether this key has signed the end. */
  readonly isSigned: boolean;
  /** Signatures at the end that name this key. When `isSigned` is false, none of them is valid. */
  readonly bogus: readonly string[];
}

/**
 * Signs the end of the record's hash chain at an interval. The owner of the database lacks the key, so a rewrite of
 * signed records shows. Several replicas may sign at the same time; the database keeps one checkpoint for each record
 * and key.
 *
 * Before it signs, it checks that the record contains the places in this replica's anchors and that the later records
 * follow from them. The checkpoints in the database do not prove what this replica signed.
 */
export class AuditCheckpointer {
  readonly #deps: AuditCheckpointerDeps;
  readonly #publicKey: string;
  readonly #trustedKeys: readonly string[];
  readonly #poller: Poller;

  constructor(deps: AuditCheckpointerDeps) {
    this.#deps = deps;
    this.#poller = new Poller(deps.clock, () => this.#signNow());
    this.#publicKey = publicKeyOf(deps.privateKey);
    this.#trustedKeys = [
      this.#publicKey,
      ...(deps.previousKey === undefined ? [] : [publicKeyOf(deps.previousKey)]),
    ];
  }

  /** @throws AnchorFileError */
  async start(): Promise<void> {
    const anchors = await this.#deps.anchors.placesOf(RECORD_CHAIN);
    if (anchors.length === 0) this.#deps.report?.("record.no_anchor", { chain: RECORD_CHAIN });
    this.#poller.start();
  }

  /** Resolves when the examination in progress is over. */
  stop(): Promise<void> {
    return this.#poller.stop();
  }

  /**
   * Signs the current end of the chain, if this key has not signed it and the record is sound.
   * @returns the checkpoint, or undefined if it signed nothing.
   * @throws AnchorFileError
   */
  async checkpoint(): Promise<Checkpoint | undefined> {
    const { database, anchors, report, clock, privateKey } = this.#deps;
    const places = await anchors.placesOf(RECORD_CHAIN);
    const examined = await database.unhurried((db) =>
      atOneMoment(db, (moment) => this.#examine(moment, places)),
    );
    if ("problem" in examined) {
      report?.("record.altered", { chain: RECORD_CHAIN, problem: examined.problem });
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
    const since = await this.#startOfExamination(db, anchors);
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

  /** Returns the number before the lowest known place, so that the record at that place is examined too. */
  async #startOfExamination(db: Kysely<Tables>, anchors: readonly ChainPlace[]): Promise<number> {
    const known = anchors.map(({ seq }) => seq);
    if (known.length === 0) {
      const last = await readLastCheckpoint(db, this.#trustedKeys, isSignedAsItSays);
      known.push(last?.seq ?? 0);
    }
    return Math.max(0, Math.min(...known) - 1);
  }

  /** Returns false if another replica has stored a checkpoint of this place first. */
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

  async #signNow(): Promise<number> {
    const { intervalMs, report } = this.#deps;
    try {
      const checkpoint = await this.checkpoint();
      // `chain`, `seq` and `hash` are the anchor that audit:verify --expect takes.
      if (checkpoint !== undefined)
        report?.("record.signed", { chain: RECORD_CHAIN, seq: checkpoint.seq, hash: checkpoint.hash });
    } catch (err) {
      report?.("record.not_signed", { err });
    }
    return intervalMs;
  }
}

function publicKeyOf(privateKey: KeyObject): string {
  return encodePublicKey(createPublicKey(privateKey));
}
