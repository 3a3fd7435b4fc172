import { sql } from "kysely";
import { CHECKPOINTS, type ChainHead, GATEWAY_CHAIN, LEGACY, type SealedRecord } from "../../audit/chain.ts";
import {
  type Checkpoint,
  isSignedAsItSays,
  parseCheckpoint,
  type StoredCheckpoint,
} from "../../audit/checkpoint.ts";
import { formatRecord } from "../../audit/export-lines.ts";
import type { Database } from "../../database/database.ts";
import { runRead } from "../../database/statements.ts";
import { termsOf } from "../plan-hash.ts";
import type { RolloutStore } from "../rollout-store.ts";
import { BUNDLE_LINES, type BundleItem } from "./bundle-lines.ts";
import { SEAL_KIND, toProvedItem } from "./rollout-seal.ts";

interface RolloutBundlesDeps {
  readonly database: Database;
  readonly rolloutStore: RolloutStore;
  /** Signs the record now. Undefined if this gateway signs no checkpoints. */
  readonly signNow: (() => Promise<unknown>) | undefined;
}

/** Some lines of a bundle. */
interface BundlePage {
  /** Each without its line feed. */
  readonly lines: readonly string[];
  /** The number of lines of the whole bundle. */
  readonly total: number;
}

/** A part of a bundle. `read` returns its lines after `from` up to `to`, both counted from 0. */
interface Section {
  readonly count: number;
  readonly read: (from: number, to: number) => Promise<readonly string[]> | readonly string[];
}

/** The records of a chain that a bundle has: from the first one of the rollout to the end that is signed. */
interface Segment {
  readonly chain: string;
  /** The number of the first record. */
  readonly first: number;
  /** The hash before the first record. */
  readonly previousHash: string;
  /** The last record of the rollout. */
  readonly last: number;
  readonly hash: string;
}

/** The seal of a rollout in the gateway's chain, and the terms of its plan. */
type SealPlace = Parameters<typeof termsOf>[0] & {
  readonly id: string;
  readonly seq: number;
  readonly items: number;
};

/**
 * Writes the bundles of sealed rollouts: a header, the items, and an export of the record that shows the changes of the
 * rollout. Of other records it has only the digests. A bundle is the same at each read, so callers can read it in pages.
 */
export class RolloutBundles {
  readonly #deps: RolloutBundlesDeps;

  constructor(deps: RolloutBundlesDeps) {
    this.#deps = deps;
  }

  /**
   * Returns lines of a bundle, or undefined if the rollout is not sealed or its record was pruned.
   * @param after how many lines come before.
   * @throws GatewayError STORE_UNAVAILABLE
   */
  async read(id: string, after: number, limit: number): Promise<BundlePage | undefined> {
    const seal = await this.#findSeal(id);
    if (seal === undefined) return undefined;
    const sections = await this.#layOut(id, seal);
    const lines: string[] = [];
    let start = 0;
    for (const { count, read } of sections) {
      const [from, to] = [after - start, after + limit - start].map((at) => Math.min(Math.max(at, 0), count));
      if (from !== undefined && to !== undefined && from < to) lines.push(...(await read(from, to)));
      start += count;
    }
    return { lines, total: start };
  }

  async #layOut(id: string, seal: SealPlace): Promise<readonly Section[]> {
    const { signNow } = this.#deps;
    const segments = await this.#findSegments(id, seal);
    let checkpoint = await this.#findCheckpoint(seal);
    if (checkpoint === undefined && signNow !== undefined) {
      await signNow();
      checkpoint = await this.#findCheckpoint(seal);
    }
    const legacy = await this.#readLegacy();
    const ends = checkpoint?.heads ?? [
      legacy,
      ...segments.map(({ chain, last, hash }) => ({ chain, seq: last, hash })),
    ];
    return [
      oneLine(BUNDLE_LINES.header.parse({ rollout: 1, id, items: seal.items, plan: termsOf(seal) })),
      { count: seal.items, read: (from, to) => this.#readItems(id, from, to) },
      oneLine({ export: 2, legacyEnd: legacy.hash, starts: startsOf(ends, segments, checkpoint) }),
      ...(checkpoint === undefined ? [] : [oneLine(storedForm(checkpoint))]),
      ...ends.flatMap(({ chain, seq: last }) =>
        segments
          .filter((segment) => segment.chain === chain)
          .map(({ first }) => ({
            count: last - first + 1,
            read: (from: number, to: number) => this.#readRecords(id, seal, chain, first + from, first + to),
          })),
      ),
      oneLine({ ends }),
    ];
  }

  async #findSeal(id: string): Promise<SealPlace | undefined> {
    const [row] = await this.#read<SealPlace>(sql`
      select e.id, e.chain_seq as seq, r.policy_hash, r.undo_of, r.max_failures, r.input,
        (select count(*)::integer from mfa_rollout_item where rollout_id = ${id}) as items
      from audit_event e join mfa_rollout r on r.id = ${id}
      where e.kind = ${SEAL_KIND} and e.details ->> 'rolloutId' = ${id} order by e.id limit 1`);
    return row && { ...row, seq: Number(row.seq) };
  }

  async #findSegments(id: string, seal: SealPlace): Promise<readonly Segment[]> {
    const rows = await this.#read<Segment>(sql`
      select chain, min(chain_seq) as first, max(chain_seq) as last,
        (array_agg(previous_hash order by chain_seq))[1] as previous_hash,
        (array_agg(hash order by chain_seq desc))[1] as hash
      from (
        select chain, chain_seq, previous_hash, hash from mfa_change where rollout_id = ${id} and chain is not null
        union all select chain, chain_seq, previous_hash, hash from audit_event where id = ${seal.id}
      ) records
      group by chain order by chain collate "C"`);
    return rows.map((row) => ({ ...row, first: Number(row.first), last: Number(row.last) }));
  }

  /**
   * Returns the first checkpoint that signs the seal. It signs the changes too, because they were sealed before. There may
   * be hundreds of thousands of checkpoints, so the search halves the range of their numbers.
   */
  async #findCheckpoint({ seq: sealed }: SealPlace): Promise<Checkpoint | undefined> {
    const covers = ({ heads }: Checkpoint) =>
      heads.some(({ chain, seq }) => chain === GATEWAY_CHAIN && seq >= sealed);
    const [last] = await this.#read<{ number: string | number }>(
      sql`select max(number) as number from record_checkpoint`,
    );
    let [low, high] = [1, Number(last?.number ?? 0)];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const checkpoint = await this.#readCheckpoint(middle);
      if (checkpoint === undefined || covers(checkpoint)) high = middle;
      else low = middle + 1;
    }
    const checkpoint = await this.#readCheckpoint(low);
    return checkpoint && covers(checkpoint) ? checkpoint : undefined;
  }

  /** Returns the first checkpoint with a valid signature from a number on. */
  async #readCheckpoint(from: number): Promise<Checkpoint | undefined> {
    const rows = await this.#read<StoredCheckpoint>(sql`
      select content, public_key, signature from record_checkpoint
      where number >= ${from} order by number, public_key, signature limit 10`);
    return rows
      .map(parseCheckpoint)
      .filter((checkpoint) => checkpoint !== undefined)
      .find(isSignedAsItSays);
  }

  async #readLegacy(): Promise<ChainHead> {
    const [row] = await this.#read<ChainHead>(
      sql`select chain, seq, hash from record_chain where chain = ${LEGACY}`,
    );
    return { chain: LEGACY, seq: Number(row?.seq), hash: row?.hash ?? "" };
  }

  async #readItems(id: string, from: number, to: number): Promise<readonly string[]> {
    const items = await this.#deps.rolloutStore.items(id, {}, to - from, from);
    const records = await this.#read<NonNullable<BundleItem["record"]> & { item: number }>(sql`
      select i.item, c.chain, c.chain_seq as seq, sha256_hex(c.sealed_content) as digest
      from mfa_rollout_item i join mfa_change c on c.id = i.change_id
      where i.rollout_id = ${id} and i.item > ${from} and i.item <= ${to} and c.hash is not null`);
    const byItem = new Map(
      records.map(({ item, chain, seq, digest }) => [item, { chain, seq: Number(seq), digest }]),
    );
    return items.map((item) => {
      const line: BundleItem = { item: toProvedItem(item), record: byItem.get(item.item) ?? null };
      return JSON.stringify(line);
    });
  }

  /** Reads the records of a chain from `first` up to `end`, which is left out. */
  async #readRecords(
    id: string,
    seal: SealPlace,
    chain: string,
    first: number,
    end: number,
  ): Promise<readonly string[]> {
    const [table, isShown] =
      chain === GATEWAY_CHAIN
        ? [sql`audit_event`, sql`id = ${seal.id}`]
        : [sql`mfa_change`, sql`rollout_id is not distinct from ${id}::uuid`];
    const rows = await this.#read<SealedRecord>(sql`
      select chain, chain_seq as seq, previous_hash, hash, sha256_hex(sealed_content) as digest,
        case when ${isShown} then sealed_content end as content
      from ${table} where chain = ${chain} and chain_seq >= ${first} and chain_seq < ${end} order by chain_seq`);
    return rows.map((row) => formatRecord({ ...row, seq: Number(row.seq) }, true));
  }

  #read<Row>(query: Parameters<typeof runRead>[1]): Promise<Row[]> {
    return runRead(this.#deps.database, query);
  }
}

function oneLine(value: object): Section {
  return { count: 1, read: () => [JSON.stringify(value)] };
}

function storedForm({ content, publicKey, signature }: Checkpoint): StoredCheckpoint {
  return { content, publicKey, signature };
}

/** Returns where the chains begin: before the first record that the bundle has, or at their end if it has none. */
function startsOf(
  ends: readonly ChainHead[],
  segments: readonly Segment[],
  checkpoint: Checkpoint | undefined,
): readonly ChainHead[] {
  const ofChains = ends.map((end) => {
    const segment = segments.find(({ chain }) => chain === end.chain);
    return segment === undefined
      ? end
      : { chain: end.chain, seq: segment.first - 1, hash: segment.previousHash };
  });
  return [
    ...(checkpoint === undefined
      ? []
      : [{ chain: CHECKPOINTS, seq: checkpoint.number - 1, hash: checkpoint.previousHash }]),
    ...ofChains.filter(({ seq }) => seq > 0),
  ];
}
