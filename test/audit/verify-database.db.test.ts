import { sql } from "kysely";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ChangeStore } from "../../src/audit/change-store.ts";
import type { Checkpoint } from "../../src/audit/checkpoint.ts";
import { LINES, parseLine } from "../../src/audit/export-lines.ts";
import { exportRecord } from "../../src/audit/export-record.ts";
import { atOneMoment, readHeads } from "../../src/audit/read-record.ts";
import { verifyDatabase } from "../../src/audit/verify-database.ts";
import type { RecordReport } from "../../src/audit/verify-record.ts";
import type { Database } from "../../src/database/database.ts";
import { openTestDatabase } from "../support/open-test-database.ts";
import { recomputeHashes, rewriteRecord } from "../support/rewrite-record.ts";
import { APPLIED, FRESH, intentOf } from "./intent-of.ts";
import { newSigningKey, signHeads } from "./make-chain.ts";

const key = newSigningKey();

function verify({ db }: Database): Promise<RecordReport> {
  return atOneMoment(db, (moment) => verifyDatabase(moment, [key.encoded]));
}

async function record(database: Database, count: number, account = "default"): Promise<string[]> {
  const log = new ChangeStore({ database, replica: "replica-1" });
  const ids: string[] = [];
  for (let i = 0; i < count; i++) {
    const { id } = await log.begin(intentOf({ account, requested: { note: "Zoë 手机 🔐" } }), FRESH);
    await log.settle(id, APPLIED);
    ids.push(id);
  }
  return ids;
}

async function sign({ db }: Database, before?: Checkpoint): Promise<Checkpoint> {
  const checkpoint = signHeads(await readHeads(db), key, before);
  const { content, publicKey, signature } = checkpoint;
  await sql`select keep_record_checkpoint(${content}, ${publicKey}, ${signature}, '{}')`.execute(db);
  return checkpoint;
}

async function linesOf({ db }: Database, since = 0): Promise<string[]> {
  return atOneMoment(db, async (moment) => {
    const lines: string[] = [];
    for await (const line of exportRecord(moment, { since, shows: undefined })) lines.push(line);
    return lines;
  });
}

describe.each(["postgres", "pglite"] as const)("the record on %s", (kind) => {
  let database: Database;

  beforeAll(async () => {
    database = await openTestDatabase(kind);
  });

  test("is verified, and its export equals the sealed content byte for byte", async () => {
    expect(await verify(database)).toMatchObject({ records: 0, unsealed: 0, problem: undefined });
    const ids = await record(database, 3);
    await record(database, 2, "prod");
    const checkpoint = await sign(database);
    await record(database, 1);
    await new ChangeStore({ database, replica: "replica-1" }).begin(intentOf(), FRESH);
    expect(await verify(database)).toMatchObject({
      records: 6,
      unsealed: 1,
      signed: { number: 1 },
      chains: [
        { chain: "legacy", last: 0, signed: 0 },
        { chain: "account:default", last: 4, signed: 3 },
        { chain: "account:prod", last: 2, signed: 2 },
        { chain: "gateway", last: 0, signed: 0 },
      ],
      problem: undefined,
    });

    const lines = (await linesOf(database)).map((line) => Buffer.from(line.trimEnd()));
    const records = lines.flatMap((line) => parseLine(line, LINES.record) ?? []);
    expect(records.map(({ chain, seq }) => `${chain} ${seq}`)).toEqual([
      ...[1, 2, 3, 4].map((seq) => `account:default ${seq}`),
      ...[1, 2].map((seq) => `account:prod ${seq}`),
    ]);
    const content = records[0] !== undefined && "content" in records[0] ? records[0].content : "";
    expect(content).toContain(`{"id": "${ids[0]}"`);
    expect(content).toContain("Zoë 手机 🔐");
    expect(lines.flatMap((line) => parseLine(line, LINES.checkpoint)?.content ?? [])).toEqual([
      checkpoint.content,
    ]);
    expect(parseLine(lines.at(-1) ?? Buffer.of(), LINES.end)).toEqual({ ends: await readHeads(database.db) });

    const later = await linesOf(database, 1);
    expect(later.filter((line) => line.includes('"content":"{\\"id'))).toEqual([`${lines[5]}\n`]);
    await expect(linesOf(database, 9)).rejects.toThrow("The record has no checkpoint 9.");
  });
});

describe("a record that was tampered with", () => {
  let database: Database;
  let ids: string[];

  beforeEach(async () => {
    database = await openTestDatabase("postgres");
    ids = await record(database, 8);
    await record(database, 2, "other");
    await sign(database, await sign(database));
    await record(database, 1, "later");
  });

  const cases: readonly {
    title: string;
    how: string;
    seq: number | undefined;
    reason: RegExp;
  }[] = [
    {
      title: "by a column",
      how: "update mfa_change set status = 'refused' where chain = 'account:default' and chain_seq = 3",
      seq: 3,
      reason: /its stored status differs/,
    },
    {
      title: "by several columns",
      how: "update mfa_change set caller_subject = 'mallory', sent = '{}' where chain = 'account:default' and chain_seq = 3",
      seq: 3,
      reason: /^its stored sent, callerSubject differs from the sealed content$/,
    },
    {
      title: "by a time",
      how: "update mfa_change set created_at = created_at - interval '1 microsecond' where chain = 'account:default' and chain_seq = 5",
      seq: 5,
      reason: /createdAt/,
    },
    {
      title: "by more in a JSON column",
      how: `update mfa_change set requested = requested || '{"more": 1}' where chain = 'account:default' and chain_seq = 5`,
      seq: 5,
      reason: /requested/,
    },
    {
      title: "by its content",
      how: "update mfa_change set sealed_content = replace(sealed_content, 'applied', 'refused') where chain = 'account:default' and chain_seq = 3",
      seq: 3,
      reason: /hash does not match its content/,
    },
    {
      title: "by content that is not JSON",
      how: "update mfa_change set sealed_content = 'x' where chain = 'account:default' and chain_seq = 3",
      seq: 3,
      reason: /hash does not match its content/,
    },
    {
      title: "by its hash",
      how: "update mfa_change set hash = repeat('a', 64) where chain = 'account:default' and chain_seq = 8",
      seq: 8,
      reason: /hash does not match its content/,
    },
    {
      title: "by the hash before",
      how: "update mfa_change set previous_hash = repeat('a', 64) where chain = 'account:default' and chain_seq = 4",
      seq: 4,
      reason: /does not follow/,
    },
    {
      title: "by a deletion",
      how: "delete from mfa_change where chain = 'account:default' and chain_seq = 4",
      seq: 4,
      reason: /record 5 is there instead/,
    },
    {
      title: "by the deletion of the first",
      how: "delete from mfa_change where chain = 'account:default' and chain_seq = 1",
      seq: 1,
      reason: /record 2 is there instead/,
    },
    {
      title: "by the deletion of the last",
      how: "delete from mfa_change where chain = 'account:default' and chain_seq > 6",
      seq: 7,
      reason: /it is missing: the chain was known to reach record 8, and ends at 6/,
    },
    {
      title: "by a number",
      how: "update mfa_change set chain_seq = 100 where chain = 'account:default' and chain_seq = 8",
      seq: 8,
      reason: /its number is 100/,
    },
    {
      title: "by a number before the first",
      how: "update mfa_change set chain_seq = -1 where chain = 'account:default' and chain_seq = 8",
      seq: 1,
      reason: /record -1 is there instead/,
    },
    {
      title: "by its end",
      how: "update record_chain set hash = repeat('a', 64) where chain = 'account:default'",
      seq: undefined,
      reason: /the hash at the end/,
    },
    {
      title: "by an end too early",
      how: "update record_chain set seq = 5 where chain = 'account:default'",
      seq: 6,
      reason: /known to reach record 8, and ends at 5/,
    },
    {
      title: "by a change of its account and chain",
      how: "update mfa_change set account = 'prod', chain = 'account:prod', chain_seq = 1 where chain = 'account:default' and chain_seq = 1",
      seq: 1,
      reason: /record 2 is there instead/,
    },
    {
      title: "by the names of two chains that were swapped",
      how: `drop index mfa_change_by_place; update mfa_change
        set chain = case chain when 'account:other' then 'account:default' else 'account:other' end
        where chain in ('account:default', 'account:other')`,
      seq: 1,
      reason: /^it does not follow the start of this chain/,
    },
    {
      title: "by a forged start",
      how: "update mfa_change set previous_hash = repeat('a', 64) where chain = 'account:default' and chain_seq = 1",
      seq: 1,
      reason: /^it does not follow the start of this chain/,
    },
    {
      title: "by another end of the chain before it",
      how: "update record_chain set hash = repeat('a', 64) where chain = 'legacy'",
      seq: 1,
      reason: /^it does not follow the start of this chain/,
    },
    {
      title: "by a chain that is gone with its records",
      how: `with gone as (delete from mfa_change where chain = 'account:other')
        delete from record_chain where chain = 'account:other'`,
      seq: undefined,
      reason: /^the whole chain is missing/,
    },
    {
      title: "by a chain that is gone without its records",
      how: "delete from record_chain where chain = 'account:other'",
      seq: undefined,
      reason: /^the whole chain is missing/,
    },
    {
      title: "by records of a chain that never was",
      how: "update mfa_change set chain = 'account:new' where chain = 'account:later'",
      seq: 1,
      reason: /^it is missing/,
    },
    {
      title: "by a checkpoint that is gone",
      how: "delete from record_checkpoint where number = 1",
      seq: 2,
      reason: /^it does not follow checkpoint 1, which is missing/,
    },
    {
      title: "by a checkpoint whose text differs",
      how: "update record_checkpoint set content = replace(content, '12:00', '13:00') where number = 1",
      seq: undefined,
      reason: /^the stored checkpoint 1 differs/,
    },
    {
      title: "by a checkpoint that was rewritten with its hash",
      how: `update record_checkpoint set content = replace(content, '12:00', '13:00'),
        hash = sha256_hex(replace(content, '12:00', '13:00')) where number = 2`,
      seq: undefined,
      reason: /^checkpoint 2 has no valid signature/,
    },
  ];
  test.each(cases)("$title: verification names the first bad record", async ({ how, seq, reason }) => {
    await rewriteRecord(database, async (db) => {
      await sql.raw(how).execute(db);
    });
    const { problem } = await verify(database);
    expect(problem).toMatchObject({ seq, reason: expect.stringMatching(reason) });
    if (problem?.id !== undefined && !how.includes("account:other"))
      expect(problem.id).toBe(ids[(seq ?? 0) - 1]);
  });

  test("and whose later records are sealed again is detected only by the checkpoint", async () => {
    await rewriteRecord(database, async (db) => {
      await sql`update mfa_change set status = 'refused' where chain = 'account:default' and chain_seq = 3`.execute(
        db,
      );
      await recomputeHashes(db);
    });
    expect((await verify(database)).problem).toMatchObject({
      chain: "account:default",
      seq: 1,
      reason: expect.stringMatching(/^it or a later one up to 8 was rewritten/),
    });
    await rewriteRecord(database, async (db) => {
      await db.deleteFrom("record_checkpoint").execute();
    });
    expect(await verify(database)).toMatchObject({ problem: undefined, signed: undefined });
  });

  test("is compared with a checkpoint from outside, which shows a cut tail and a dropped checkpoint", async () => {
    const { signed } = await verify(database);
    const known = [{ chain: "checkpoints", seq: signed?.number ?? 0, hash: signed?.hash ?? "" }];
    const verifyKnown = () =>
      atOneMoment(database.db, (moment) => verifyDatabase(moment, [key.encoded], known));
    expect((await verifyKnown()).problem).toBeUndefined();
    await rewriteRecord(database, async (db) => {
      await sql`delete from mfa_change where chain = 'account:other'`.execute(db);
      await sql`delete from record_chain where chain = 'account:other'`.execute(db);
      await sql`delete from record_checkpoint`.execute(db);
    });
    expect((await verify(database)).problem).toBeUndefined();
    expect((await verifyKnown()).problem).toMatchObject({
      chain: "checkpoints",
      reason: "it is missing: the record was known to reach checkpoint 2, and ends at 0",
    });
  });
});
