import { createPublicKey, type KeyObject } from "node:crypto";
import { sql } from "kysely";
import type { Clock } from "../clock.ts";
import type { Database } from "../database/database.ts";
import { Poller } from "../poller.ts";
import type { Report } from "../telemetry/log-events.ts";
import { CHECKPOINTS, type ChainHead, LEGACY } from "./chain.ts";
import { type ChainAnchors, LEGACY_ANCHOR } from "./chain-anchors.ts";
import { type Checkpoint, FIRST_CHECKPOINT, signCheckpoint } from "./checkpoint.ts";
import { atOneMoment } from "./read-record.ts";
import { encodePublicKey } from "./signing-keys.ts";
import { type Examination, examineRecord, type SoundRecord } from "./verify-database.ts";

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
  /** Receives the fault that stops the signing, or undefined once the record is sound. */
  readonly onState?: (problem: string | undefined) => void;
}

/**
 * Signs the heads of all chains of the record at an interval. The owner of the database lacks the key, so a rewrite of
 * signed records shows. Several replicas may sign at the same time; the database keeps one checkpoint for each number.
 *
 * Before it signs, it checks that the record contains this replica's anchors and that the later records follow from
 * them. The checkpoints in the database do not prove what this replica signed.
 */
export class AuditCheckpointer {
  readonly #deps: AuditCheckpointerDeps;
  readonly #trustedKeys: readonly string[];
  readonly #poller: Poller;

  constructor(deps: AuditCheckpointerDeps) {
    this.#deps = deps;
    this.#poller = new Poller(deps.clock, () => this.#signNow());
    this.#trustedKeys = [deps.privateKey, deps.previousKey]
      .filter((key) => key !== undefined)
      .map((key) => encodePublicKey(createPublicKey(key)));
  }

  /** @throws AnchorFileError */
  async start(): Promise<void> {
    const anchors = await this.#anchors();
    if (anchors.length === 0) this.#deps.report?.("record.no_anchor", { chain: CHECKPOINTS });
    this.#poller.start();
  }

  /** Resolves when the examination in progress is over. */
  stop(): Promise<void> {
    return this.#poller.stop();
  }

  /**
   * Signs the current heads of the chains, if no valid checkpoint lists them and the record is sound.
   * @returns the checkpoint, or undefined if it signed nothing.
   * @throws AnchorFileError
   */
  async checkpoint(): Promise<Checkpoint | undefined> {
    const { database, clock, privateKey } = this.#deps;
    const anchors = await this.#anchors();
    const examined = await database.withoutTimeLimit((db) =>
      atOneMoment(db, (moment) => examineRecord(moment, anchors, this.#trustedKeys)),
    );
    if (!this.#isSound(examined)) return undefined;
    const { heads, checkpoints, isSigned, bogus } = examined;
    const last = checkpoints.at(-1);
    if (last !== undefined) await this.#keep(last, heads);
    if (isSigned) return undefined;
    const number = (last?.number ?? 0) + 1;
    const checkpoint = signCheckpoint(
      {
        ...{ number, previousHash: last?.hash ?? FIRST_CHECKPOINT, heads },
        signedAt: new Date(clock.now()).toISOString(),
      },
      privateKey,
    );
    if (!(await storeCheckpoint(database, checkpoint, bogus.get(number)))) return undefined;
    await this.#keep(checkpoint, heads);
    return checkpoint;
  }

  /** Reports the faults of the record, which this replica does not sign then. */
  #isSound(examined: Examination): examined is SoundRecord {
    const { report, onState } = this.#deps;
    if ("problem" in examined) {
      const { problem } = examined;
      report?.("record.altered", { problem });
      onState?.(
        `The record was altered: ${problem.reason}. Nothing is signed. Run: cam-gateway audit verify`,
      );
      return false;
    }
    const [missing] = examined.missing;
    if (missing === undefined) {
      onState?.(undefined);
      return true;
    }
    const last = examined.checkpoints.at(-1);
    report?.("record.behind", {
      known: missing,
      last: last && { number: last.number, signedAt: last.signedAt },
    });
    onState?.(
      `The database lacks checkpoint ${missing.seq}: it is an older copy, or its record was cut. Nothing is signed. ` +
        "Run: cam-gateway audit accept-restore",
    );
    return false;
  }

  async #anchors(): Promise<readonly ChainHead[]> {
    const { anchors } = this.#deps;
    const [checkpoints, legacy] = [
      await anchors.placesOf(CHECKPOINTS),
      await anchors.placesOf(LEGACY_ANCHOR),
    ];
    return [
      ...checkpoints.map((place) => ({ chain: CHECKPOINTS, ...place })),
      ...legacy.map((place) => ({ chain: LEGACY, ...place })),
    ];
  }

  async #keep({ number, hash }: Pick<Checkpoint, "number" | "hash">, heads: readonly ChainHead[]) {
    const { anchors } = this.#deps;
    const legacy = heads.find(({ chain }) => chain === LEGACY);
    if (legacy !== undefined && legacy.seq > 0) await anchors.keep(LEGACY_ANCHOR, legacy);
    await anchors.keep(CHECKPOINTS, { seq: number, hash });
  }

  async #signNow(): Promise<number> {
    const { intervalMs, report, onState } = this.#deps;
    try {
      const checkpoint = await this.checkpoint();
      if (checkpoint !== undefined) {
        // `chain`, `seq` and `hash` are the anchor that audit:verify --expect takes.
        report?.("record.signed", { chain: CHECKPOINTS, seq: checkpoint.number, hash: checkpoint.hash });
      }
    } catch (err) {
      report?.("record.not_signed", { err });
      onState?.("No checkpoint can be signed now. The log says why (record.not_signed).");
    }
    return intervalMs;
  }
}

/** Stores a checkpoint. Returns false if another replica has stored one of this number first. */
export async function storeCheckpoint(
  { db }: Database,
  { content, publicKey, signature }: Checkpoint,
  bogus: readonly string[] = [],
): Promise<boolean> {
  const { rows } = await sql<{ kept: boolean }>`
    select keep_record_checkpoint(
      ${content}, ${publicKey}, ${signature}, ${sql`array[${sql.join(["", ...bogus])}]::text[]`}
    ) as kept`.execute(db);
  return rows[0]?.kept ?? false;
}
