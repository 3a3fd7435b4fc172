import { createPublicKey, type KeyObject } from "node:crypto";
import { type Kysely, sql } from "kysely";
import type { Clock } from "../clock.ts";
import type { Database, Tables } from "../database/database.ts";
import { Poller } from "../poller.ts";
import type { Report } from "../telemetry/log-events.ts";
import { CHECKPOINTS, type ChainHead, type ChainProblem, LEGACY } from "./chain.ts";
import { type ChainAnchors, LEGACY_ANCHOR } from "./chain-anchors.ts";
import { type Checkpoint, FIRST_CHECKPOINT, findSignatureFault, signCheckpoint } from "./checkpoint.ts";
import {
  atOneMoment,
  readCheckpoints,
  readHeads,
  readLastCheckpoint,
  readLegacyCheckpoints,
  readRecords,
} from "./read-record.ts";
import { encodePublicKey } from "./signing-keys.ts";
import type { ChainStart } from "./verify-chain.ts";
import { addStored } from "./verify-database.ts";
import { RecordVerifier } from "./verify-record.ts";

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
  readonly heads: readonly ChainHead[];
  /** The last valid checkpoint. */
  readonly last: Pick<Checkpoint, "number" | "hash"> | undefined;
  /** Whether that checkpoint lists these heads. */
  readonly isSigned: boolean;
  /** The signatures of the next number that this replica does not trust. */
  readonly bogus: readonly string[];
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
    const { database, report, clock, privateKey } = this.#deps;
    const anchors = await this.#anchors();
    const examined = await database.unhurried((db) =>
      atOneMoment(db, (moment) => this.#examine(moment, anchors)),
    );
    if ("problem" in examined) {
      report?.("record.altered", { problem: examined.problem });
      return undefined;
    }
    const { heads, last, isSigned, bogus } = examined;
    if (last !== undefined) await this.#keep(last, heads);
    if (isSigned) return undefined;
    const checkpoint = signCheckpoint(
      {
        number: (last?.number ?? 0) + 1,
        previousHash: last?.hash ?? FIRST_CHECKPOINT,
        signedAt: new Date(clock.now()).toISOString(),
        heads,
      },
      privateKey,
    );
    if (!(await this.#store(checkpoint, bogus))) return undefined;
    await this.#keep(checkpoint, heads);
    return checkpoint;
  }

  async #examine(db: Kysely<Tables>, anchors: readonly ChainHead[]): Promise<Examined> {
    const heads = await readHeads(db);
    const legacyEnd = heads.find(({ chain }) => chain === LEGACY);
    const base = await this.#findBase(db, anchors);
    const starts = startsOf(base, anchors);
    const verifier = new RecordVerifier({
      ...{ legacyEnd: legacyEnd?.hash ?? "", starts, expected: anchors },
      trustedKeys: this.#trustedKeys,
    });
    let last: Checkpoint | undefined;
    const untrusted: { readonly number: number; readonly signature: string }[] = [];
    for await (const { number, signature, checkpoint } of readCheckpoints(db, base?.number ?? 0)) {
      if (checkpoint === undefined || !this.#trusts(checkpoint)) {
        untrusted.push({ number, signature });
        continue;
      }
      verifier.addCheckpoint(checkpoint);
      last = checkpoint;
    }
    const legacySince = starts.find(({ chain }) => chain === LEGACY)?.seq ?? 0;
    for (const checkpoint of await readLegacyCheckpoints(db, legacySince)) {
      if (this.#trusts(checkpoint)) verifier.addCheckpoint(checkpoint);
    }
    for (const { chain } of heads) {
      const since = starts.find((start) => start.chain === chain)?.seq ?? 0;
      for await (const record of readRecords(db, chain, since)) {
        addStored(verifier, record);
        if (verifier.chain(chain).problem !== undefined) break;
      }
    }
    const { problem } = verifier.finish(heads);
    if (problem !== undefined) return { problem };
    const next = (last?.number ?? 0) + 1;
    const bogus = untrusted.filter(({ number }) => number === next).map(({ signature }) => signature);
    const isSigned = last === undefined ? heads.every(({ seq }) => seq === 0) : isSame(last.heads, heads);
    return { heads, last, isSigned, bogus };
  }

  /** Returns the checkpoint after which records are examined: that of the anchor, or without one the last valid one. */
  async #findBase(db: Kysely<Tables>, anchors: readonly ChainHead[]): Promise<Checkpoint | undefined> {
    const numbers = anchors.filter(({ chain }) => chain === CHECKPOINTS).map(({ seq }) => seq);
    if (numbers.length === 0) {
      return anchors.length > 0 ? undefined : readLastCheckpoint(db, (each) => this.#trusts(each));
    }
    const hashes = new Set(anchors.map(({ hash }) => hash));
    for await (const { checkpoint } of readCheckpoints(db, Math.min(...numbers))) {
      if (checkpoint !== undefined && hashes.has(checkpoint.hash)) return checkpoint;
    }
    return undefined;
  }

  #trusts(checkpoint: Parameters<typeof findSignatureFault>[0]): boolean {
    return findSignatureFault(checkpoint, this.#trustedKeys) === undefined;
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

  /** Returns false if another replica has stored a checkpoint of this number first. */
  async #store({ content, publicKey, signature }: Checkpoint, bogus: readonly string[]): Promise<boolean> {
    const { rows } = await sql<{ kept: boolean }>`
      select keep_record_checkpoint(
        ${content}, ${publicKey}, ${signature}, ${sql`array[${sql.join(["", ...bogus])}]::text[]`}
      ) as kept`.execute(this.#deps.database.db);
    return rows[0]?.kept ?? false;
  }

  async #signNow(): Promise<number> {
    const { intervalMs, report } = this.#deps;
    try {
      const checkpoint = await this.checkpoint();
      if (checkpoint !== undefined) {
        // `chain`, `seq` and `hash` are the anchor that audit:verify --expect takes.
        report?.("record.signed", { chain: CHECKPOINTS, seq: checkpoint.number, hash: checkpoint.hash });
      }
    } catch (err) {
      report?.("record.not_signed", { err });
    }
    return intervalMs;
  }
}

/** Returns the place before each known one, so that the record at that place is examined too. */
function startsOf(base: Checkpoint | undefined, anchors: readonly ChainHead[]): readonly ChainStart[] {
  const legacy = anchors.filter(({ chain }) => chain === LEGACY);
  const known = Map.groupBy([...(base?.heads ?? []), ...legacy], ({ chain }) => chain);
  const starts = [...known].map(([chain, places]) => {
    const seq = Math.max(0, Math.min(...places.map((place) => place.seq)) - 1);
    return { chain, seq, hash: undefined };
  });
  return base === undefined
    ? starts
    : [{ chain: CHECKPOINTS, seq: base.number - 1, hash: undefined }, ...starts];
}

function isSame(one: readonly ChainHead[], other: readonly ChainHead[]): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
