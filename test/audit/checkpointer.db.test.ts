import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sql } from "kysely";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import {
  CHECKPOINTS,
  type ChainHead,
  type ChainPlace,
  type ChainProblem,
  LEGACY,
} from "../../src/audit/chain.ts";
import {
  ChainAnchors,
  LEGACY_ANCHOR,
  readAnchorFile,
  writeAnchorFile,
} from "../../src/audit/chain-anchors.ts";
import { ChangeStore } from "../../src/audit/change-store.ts";
import { type Checkpoint, isSignedAsItSays } from "../../src/audit/checkpoint.ts";
import { AuditCheckpointer } from "../../src/audit/checkpointer.ts";
import { type CheckpointRow, readCheckpoints, readHeads } from "../../src/audit/read-record.ts";
import { verifyDatabase } from "../../src/audit/verify-database.ts";
import type { Database } from "../../src/database/database.ts";
import type { Report } from "../../src/telemetry/log-events.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { openLegacyRecord } from "../support/legacy-record.ts";
import { createTestPostgres, openTestDatabase, openTestPostgres } from "../support/open-test-database.ts";
import { recomputeHashes, rewriteRecord } from "../support/rewrite-record.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { APPLIED, FRESH, intentOf } from "./intent-of.ts";
import { newSigningKey, type SigningKey, signHeads } from "./make-chain.ts";

const INTERVAL_MS = 60_000;
const key = newSigningKey();
let clock: FakeClock;
let broken: ChainProblem[];
/** The numbers of checkpoints that the record lacks. */
let behind: number[];
let unanchored: string[];
let errors: unknown[];
let signed: ReturnType<typeof signals<ChainPlace>>;

beforeEach(() => {
  clock = new FakeClock();
  broken = [];
  behind = [];
  unanchored = [];
  errors = [];
  signed = signals();
});

/** The reported events. A test waits for them one after the other. */
function signals<Value>() {
  const waiting: ((value: Value) => void)[] = [];
  const come: Value[] = [];
  return {
    come,
    push: (value: Value) => {
      come.push(value);
      waiting.shift()?.(value);
    },
    next: () => new Promise<Value>((resolve) => waiting.push(resolve)),
  };
}

interface Options {
  readonly by?: SigningKey;
  readonly previous?: SigningKey;
  readonly anchorFile?: string;
}

/** One start of a replica. */
async function checkpointer(
  database: Database,
  { by = key, previous, anchorFile }: Options = {},
): Promise<AuditCheckpointer> {
  const report: Report = (event, fields) => {
    const { chain, problem, known, err } = fields as {
      chain: string;
      problem: ChainProblem;
      known: ChainPlace;
      err: unknown;
    };
    if (event === "record.signed") signed.push(fields as ChainPlace);
    if (event === "record.no_anchor") unanchored.push(chain);
    if (event === "record.altered") broken.push(problem);
    if (event === "record.behind") behind.push(known.seq);
    if (event === "record.not_signed") errors.push(err);
  };
  return new AuditCheckpointer({
    database,
    privateKey: by.privateKey,
    previousKey: previous?.privateKey,
    anchors: await ChainAnchors.open({ file: anchorFile }),
    clock,
    intervalMs: INTERVAL_MS,
    report,
  });
}

function stored({ db }: Database): Promise<CheckpointRow[]> {
  return Array.fromAsync(readCheckpoints(db, 0));
}

function placeOf({ number, hash }: Checkpoint): ChainHead {
  return { chain: CHECKPOINTS, seq: number, hash };
}

async function anchorFile(): Promise<string> {
  return join((await temporaryFolder()).path, "anchor.json");
}

async function record(database: Database, count = 1): Promise<void> {
  const log = new ChangeStore({ database, replica: "replica-1" });
  for (let i = 0; i < count; i++) {
    const { id } = await log.begin(intentOf(), FRESH);
    await log.settle(id, APPLIED);
  }
}

describe.each(["postgres", "pglite"] as const)("on %s", (kind) => {
  test("it signs each new end of the chain once, and the signatures verify", async () => {
    const database = await openTestDatabase(kind);
    const one = await checkpointer(database);
    expect(await one.checkpoint()).toBeUndefined();
    await record(database, 3);
    const checkpoint = await one.checkpoint();
    expect(checkpoint).toMatchObject({
      number: 1,
      heads: expect.arrayContaining([expect.objectContaining({ chain: "account:default", seq: 3 })]),
      signedAt: new Date(clock.now()).toISOString(),
      publicKey: key.encoded,
    });
    expect(checkpoint && isSignedAsItSays(checkpoint)).toBe(true);
    expect(await one.checkpoint()).toBeUndefined();
    await record(database, 2);
    expect(await one.checkpoint()).toMatchObject({ number: 2, previousHash: checkpoint?.hash });
    expect((await stored(database)).map(({ number }) => number)).toEqual([1, 2]);
    expect(await verifyDatabase(database.db, [key.encoded])).toMatchObject({
      signed: { number: 2 },
      problem: undefined,
    });
    expect(broken).toEqual([]);
  });
});

describe("on PostgreSQL", () => {
  test("several replicas at the same time leave one checkpoint", async () => {
    const url = await createTestPostgres();
    const replicas = [await openTestPostgres(url), await openTestPostgres(url), await openTestPostgres(url)];
    const [first] = replicas;
    for (let round = 1; round <= 10; round++) {
      if (first) await record(first);
      const made = await Promise.all(
        replicas.map(async (database) => (await checkpointer(database)).checkpoint()),
      );
      expect(made.filter((checkpoint) => checkpoint !== undefined)).toHaveLength(1);
    }
    expect(await stored(replicas[0] as Database)).toHaveLength(10);
    expect([broken, errors]).toEqual([[], []]);
  });

  test("a new key continues where the old one ended", async () => {
    const database = await openTestDatabase("postgres");
    const next = newSigningKey();
    await record(database);
    await (await checkpointer(database)).checkpoint();
    await record(database);
    expect(await (await checkpointer(database, { by: next, previous: key })).checkpoint()).toMatchObject({
      number: 2,
      publicKey: next.encoded,
    });
    const both = [key.encoded, next.encoded];
    expect(await verifyDatabase(database.db, both)).toMatchObject({
      signed: { number: 2 },
      problem: undefined,
    });
  });

  test.each([
    [
      "a record since was altered",
      "update mfa_change set sealed_content = '{}' where chain_seq = 3",
      /hash does not match/,
    ],
    [
      "the last signed record was sealed again",
      "update mfa_change set previous_hash = repeat('a', 64) where chain_seq = 3",
      /it or a later one up to 2 was rewritten: another hash|does not follow the record before it/,
    ],
    [
      "signed records are missing at the end",
      "update record_chain set seq = 1 where chain = 'account:default'",
      /known to reach record 2, and ends at 1/,
    ],
    [
      "the end is another than was signed",
      "update record_chain set seq = 2, hash = repeat('a', 64) where chain = 'account:default'",
      /^the chain ends at 3, but should end at 2/,
    ],
  ])("it signs nothing and says so where %s", async (_, how, reason) => {
    const database = await openTestDatabase("postgres");
    await record(database, 2);
    const one = await checkpointer(database);
    await one.checkpoint();
    await record(database);
    await rewriteRecord(database, async (db) => {
      await sql.raw(how).execute(db);
    });
    expect(await one.checkpoint()).toBeUndefined();
    expect(broken).toEqual([expect.objectContaining({ reason: expect.stringMatching(reason) })]);
    expect(await stored(database)).toHaveLength(1);
  });

  test("it signs at every interval, even after errors, until it is stopped", async () => {
    const database = await openTestDatabase("postgres");
    const one = await checkpointer(database);
    await record(database);
    const first = signed.next();
    await one.start();
    onTestFinished(() => one.stop());
    expect(await first).toMatchObject({ seq: 1 });

    await sql`alter table record_checkpoint rename to hidden`.execute(database.db);
    await expect.poll(() => clock.pendingTimers).toBe(1);
    await clock.advance(INTERVAL_MS);
    await expect.poll(() => errors).toEqual([expect.objectContaining({ code: "42P01" })]);
    await sql`alter table hidden rename to record_checkpoint`.execute(database.db);

    await record(database);
    const second = signed.next();
    await expect.poll(() => clock.pendingTimers).toBe(1);
    await clock.advance(INTERVAL_MS);
    expect(await second).toMatchObject({ seq: 2 });

    await one.stop();
    expect(clock.pendingTimers).toBe(0);
  });
});

/** As the owner of the schema, with access to the database and without the key. */
const REWRITES: readonly (readonly [string, (db: Database["db"]) => Promise<unknown>])[] = [
  [
    "a sealed record was altered and all records were sealed again",
    async (db) => {
      await sql`update mfa_change set caller_subject = 'mallory' where chain_seq = 2`.execute(db);
      await recomputeHashes(db);
    },
  ],
  [
    "a sealed record was deleted and all records were sealed again",
    async (db) => {
      await sql`delete from mfa_change where chain_seq = 2`.execute(db);
      await recomputeHashes(db);
    },
  ],
  [
    "the last record was altered and sealed again",
    async (db) => {
      await sql`update mfa_change set caller_subject = 'mallory' where chain_seq = 4`.execute(db);
      await recomputeHashes(db);
    },
  ],
  [
    "the tail was cut",
    async (db) => {
      await sql`delete from mfa_change where chain_seq > 2`.execute(db);
      await recomputeHashes(db);
    },
  ],
  [
    "the whole record was created again",
    async (db) => {
      await sql`update mfa_change set caller_subject = 'mallory', gateway_request_id = 'another'`.execute(db);
      await recomputeHashes(db);
    },
  ],
  [
    "the whole record is gone",
    async (db) => {
      await sql`delete from mfa_change`.execute(db);
      await recomputeHashes(db);
    },
  ],
  [
    "the whole record and the end of its chain are gone",
    async (db) => {
      await sql`delete from mfa_change`.execute(db);
      await sql`delete from record_chain`.execute(db);
    },
  ],
];

describe("a record that its owner rewrote together with its checkpoints", () => {
  test.each(REWRITES)(
    "where %s, neither a running replica nor one that starts again signs",
    async (_, rewrite) => {
      const database = await openTestDatabase("postgres");
      const file = await anchorFile();
      await record(database, 4);
      const running = await checkpointer(database, { anchorFile: file });
      const known = await running.checkpoint();
      await rewriteRecord(database, async (db) => {
        await rewrite(db);
        await sql`delete from record_checkpoint`.execute(db);
      });
      expect(await running.checkpoint()).toBeUndefined();
      const restarted = await checkpointer(database, { anchorFile: file });
      expect(await restarted.checkpoint()).toBeUndefined();
      expect([behind, broken]).toEqual([[1, 1], []]);
      expect(await stored(database)).toEqual([]);
      expect((await verifyDatabase(database.db, undefined, known && [placeOf(known)])).problem).toBeDefined();
    },
  );

  test("it is not signed after more records were added either", async () => {
    const database = await openTestDatabase("postgres");
    const running = await checkpointer(database);
    await record(database, 4);
    await running.checkpoint();
    await rewriteRecord(database, async (db) => {
      await sql`delete from mfa_change where chain_seq > 2`.execute(db);
      await sql`delete from record_checkpoint`.execute(db);
      await recomputeHashes(db);
    });
    await record(database, 5);
    expect(await running.checkpoint()).toBeUndefined();
    expect([behind, broken]).toEqual([[1], []]);
  });

  test("a start without an anchor reports that, and accepts the record unchecked", async () => {
    const database = await openTestDatabase("postgres");
    await record(database, 2);
    const file = await anchorFile();
    const first = await checkpointer(database, { anchorFile: file });
    await first.start();
    await expect.poll(() => signed.come).toHaveLength(1);
    await first.stop();
    expect(unanchored).toEqual([CHECKPOINTS]);
    const again = await checkpointer(database, { anchorFile: file });
    await again.start();
    await again.stop();
    expect(unanchored).toEqual([CHECKPOINTS]);
    await rm(file);
    const forgetful = await checkpointer(database, { anchorFile: file });
    await forgetful.start();
    await forgetful.stop();
    expect(unanchored).toEqual([CHECKPOINTS, CHECKPOINTS]);
  });
});

describe("the anchor", () => {
  test("of another database, or of a later state than a restored one, stops the signing", async () => {
    const [one, other] = [await openTestDatabase("postgres"), await openTestDatabase("postgres")];
    const file = await anchorFile();
    await record(one, 3);
    await (await checkpointer(one, { anchorFile: file })).checkpoint();
    await record(other, 3);
    const misled = await checkpointer(other, { anchorFile: file });
    expect(await misled.checkpoint()).toBeUndefined();
    const restored = await openTestDatabase("postgres");
    expect(await (await checkpointer(restored, { anchorFile: file })).checkpoint()).toBeUndefined();
    expect([behind, broken]).toEqual([[1, 1], []]);
    expect((await readAnchorFile(file)).get(CHECKPOINTS)?.seq).toBe(1);
  });

  test("moves on in every replica, also in one whose signature is not stored", async () => {
    const database = await openTestDatabase("postgres");
    const file = await anchorFile();
    const [quick, slow] = [await checkpointer(database), await checkpointer(database, { anchorFile: file })];
    await record(database, 2);
    expect(await quick.checkpoint()).toMatchObject({ number: 1 });
    expect(await slow.checkpoint()).toBeUndefined();
    expect((await readAnchorFile(file)).get(CHECKPOINTS)?.seq).toBe(1);
  });

  test("file that is damaged at run time is reported, and the replica signs nothing until it is repaired", async () => {
    const database = await openTestDatabase("postgres");
    const file = await anchorFile();
    const one = await checkpointer(database, { anchorFile: file });
    await record(database);
    await writeFile(file, "");
    await expect(one.checkpoint()).rejects.toMatchObject({ name: "AnchorFileError" });
    expect(await stored(database)).toEqual([]);
    await rm(file);
    expect(await one.checkpoint()).toMatchObject({ number: 1 });
  });

  test("is kept after the checkpoint is stored, so that it never names one that is not", async () => {
    const database = await openTestDatabase("postgres");
    const file = await anchorFile();
    const one = await checkpointer(database, { anchorFile: file });
    await record(database);
    await sql`alter table record_checkpoint add constraint no_more check (number < 0)`.execute(database.db);
    await expect(one.checkpoint()).rejects.toMatchObject({ code: "23514" });
    expect((await readAnchorFile(file)).get(CHECKPOINTS)).toBeUndefined();
    await sql`alter table record_checkpoint drop constraint no_more`.execute(database.db);
    expect(await (await checkpointer(database, { anchorFile: file })).checkpoint()).toMatchObject({
      number: 1,
    });
    expect((await readAnchorFile(file)).get(CHECKPOINTS)?.seq).toBe(1);
  });

  test("survives a change of keys, whether or not the old key is given", async () => {
    const database = await openTestDatabase("postgres");
    const file = await anchorFile();
    await record(database, 2);
    await (await checkpointer(database, { anchorFile: file })).checkpoint();
    await rewriteRecord(database, async (db) => {
      await sql`update mfa_change set caller_subject = 'mallory' where chain_seq = 1`.execute(db);
      await recomputeHashes(db);
    });
    for (const previous of [undefined, key]) {
      const renewed = await checkpointer(database, {
        by: newSigningKey(),
        anchorFile: file,
        ...(previous === undefined ? {} : { previous }),
      });
      expect(await renewed.checkpoint()).toBeUndefined();
    }
    expect(broken).toHaveLength(2);
  });
});

test("without an anchor, signatures of the previous key count like those of this key", async () => {
  const database = await openTestDatabase("postgres");
  await record(database, 3);
  await (await checkpointer(database)).checkpoint();
  await rewriteRecord(database, async (db) => {
    await sql`update mfa_change set caller_subject = 'mallory' where chain_seq = 3`.execute(db);
    await recomputeHashes(db);
  });
  const renewed = await checkpointer(database, { by: newSigningKey(), previous: key });
  expect(await renewed.checkpoint()).toBeUndefined();
  expect(broken).toHaveLength(1);
});

test("a checkpoint of an unknown key, or without a valid signature, does not stop the signing", async () => {
  const database = await openTestDatabase("postgres");
  const one = await checkpointer(database);
  await record(database, 2);
  const forged = signHeads([], newSigningKey(), { number: 999, hash: "a".repeat(64) });
  for (const { content, publicKey } of [forged, { ...forged, publicKey: key.encoded }]) {
    await sql`select keep_record_checkpoint(${content}, ${publicKey}, 'x', '{x}')`.execute(database.db);
  }
  // Of the number that is next, and in the name of this key.
  const next = signHeads([], key);
  await sql`select keep_record_checkpoint(${next.content}, ${next.publicKey}, 'x', '{}')`.execute(
    database.db,
  );
  expect(await one.checkpoint()).toMatchObject({ number: 1 });
  const report = await verifyDatabase(database.db, [key.encoded]);
  expect(report).toMatchObject({ records: 2, signed: { number: 1 } });
  expect(report.problem?.reason).toMatch(/^checkpoint 1 has no valid signature/);
  expect(broken).toEqual([]);
});

test("two replicas with different keys may sign one number during a rotation, and the record verifies", async () => {
  const database = await openTestDatabase("postgres");
  const next = newSigningKey();
  const [old, renewed] = [
    await checkpointer(database),
    await checkpointer(database, { by: next, previous: key }),
  ];
  await record(database);
  expect(await renewed.checkpoint()).toMatchObject({ number: 1 });
  expect(await old.checkpoint()).toMatchObject({ number: 1 });
  await record(database);
  expect(await renewed.checkpoint()).toMatchObject({ number: 2 });
  expect(await verifyDatabase(database.db, [key.encoded, next.encoded])).toMatchObject({
    signed: { number: 2 },
    problem: undefined,
  });
  expect(broken).toEqual([]);
});

test("after an upgrade from one chain, the earlier anchor holds, and that chain is closed and signed", async () => {
  const database = await openLegacyRecord(2);
  const legacy = (await readHeads(database.db)).find(({ chain }) => chain === LEGACY);
  const file = await anchorFile();
  await writeAnchorFile(file, new Map([[LEGACY_ANCHOR, { seq: 2, hash: legacy?.hash ?? "" }]]));
  await record(database);
  const one = await checkpointer(database, { anchorFile: file });
  expect(await one.checkpoint()).toMatchObject({
    heads: [legacy, expect.objectContaining({ chain: "account:default", seq: 1 }), { chain: "gateway" }],
  });
  await expect(sql`update audit_chain set seq = 3`.execute(database.db)).rejects.toMatchObject({
    code: "23001",
  });
  await rewriteRecord(database, async (db) => {
    await sql`update mfa_change set hash = repeat('a', 64) where seq = 2`.execute(db);
  });
  expect(await (await checkpointer(database, { anchorFile: file })).checkpoint()).toBeUndefined();
  expect(broken).toMatchObject([{ chain: LEGACY, seq: 2 }]);
});
