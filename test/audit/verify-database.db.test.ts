import { type Kysely, sql } from "kysely";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ChangeLog } from "../../src/audit/change-log.ts";
import { signCheckpoint } from "../../src/audit/checkpoint.ts";
import { exportRecord, parseEnd, parseRecord } from "../../src/audit/export-record.ts";
import { atOneMoment, readEnd } from "../../src/audit/read-record.ts";
import type { ChainReport } from "../../src/audit/verify-chain.ts";
import { verifyDatabase } from "../../src/audit/verify-database.ts";
import type { Database, Tables } from "../../src/database/database.ts";
import { openTestDatabase } from "../support/open-test-database.ts";
import { rewriteRecord } from "../support/rewrite-record.ts";
import { APPLIED, FRESH, intentOf } from "./intent-of.ts";
import { newSigningKey } from "./make-chain.ts";

const key = newSigningKey();

function verify({ db }: Database): Promise<ChainReport> {
  return atOneMoment(db, (moment) => verifyDatabase(moment, [key.encoded]));
}

async function record(database: Database, count: number): Promise<string[]> {
  const log = new ChangeLog({ database, replica: "replica-1" });
  const ids: string[] = [];
  for (let i = 0; i < count; i++) {
    const { id } = await log.begin(intentOf({ requested: { note: "Zoë 手机 🔐" } }), FRESH);
    await log.settle(id, APPLIED);
    ids.push(id);
  }
  return ids;
}

async function sign({ db }: Database): Promise<void> {
  const { seq, hash, signedAt, publicKey, signature } = signCheckpoint(
    await readEnd(db),
    "2026-11-24T12:00:00.000Z",
    key.privateKey,
  );
  await db
    .insertInto("audit_checkpoint")
    .values({ seq, hash, signed_at: signedAt, public_key: publicKey, signature })
    .execute();
}

async function linesOf({ db }: Database, since?: number): Promise<string[]> {
  return atOneMoment(db, async (moment) => {
    const lines: string[] = [];
    for await (const line of exportRecord(moment, since)) lines.push(line);
    return lines;
  });
}

describe.each(["postgres", "pglite"] as const)("the record on %s", (kind) => {
  let database: Database;

  beforeAll(async () => {
    database = await openTestDatabase(kind);
  });

  test("is verified, and its export equals the sealed content byte for byte", async () => {
    expect(await verify(database)).toMatchObject({ first: 1, last: 0, unsealed: 0, problem: undefined });
    const ids = await record(database, 3);
    await sign(database);
    await record(database, 1);
    await new ChangeLog({ database, replica: "replica-1" }).begin(intentOf(), FRESH);
    expect(await verify(database)).toMatchObject({
      first: 1,
      last: 4,
      unsealed: 1,
      signed: { seq: 3 },
      problem: undefined,
    });

    const lines = await linesOf(database);
    const records = lines.slice(0, -1).map((line) => parseRecord(Buffer.from(line.trimEnd())));
    expect(records).toHaveLength(4);
    expect(records[0]?.content).toContain(`{"id": "${ids[0]}"`);
    expect(records[0]?.content).toContain("Zoë 手机 🔐");
    const end = parseEnd(Buffer.from(lines.at(-1)?.trimEnd() ?? ""));
    expect(end).toMatchObject({
      since: 0,
      end: { seq: 4, hash: records[3]?.hash },
      checkpoints: [{ seq: 3 }],
    });

    expect(await linesOf(database, 3)).toEqual([lines[3], expect.stringMatching(/^\{"since":3,/)]);
    expect(await linesOf(database, 4)).toEqual([
      expect.stringMatching(/^\{"since":4,.*"checkpoints":\[\]\}\n$/),
    ]);
  });
});

describe("a record that was tampered with", () => {
  let database: Database;
  let ids: string[];

  beforeEach(async () => {
    database = await openTestDatabase("postgres");
    ids = await record(database, 8);
  });

  const cases: readonly {
    title: string;
    how: string;
    seq: number | undefined;
    reason: RegExp;
  }[] = [
    {
      title: "by a column",
      how: "update mfa_change set status = 'refused' where seq = 3",
      seq: 3,
      reason: /its stored status differs/,
    },
    {
      title: "by several columns",
      how: "update mfa_change set caller_subject = 'mallory', sent = '{}' where seq = 3",
      seq: 3,
      reason: /^its stored sent, callerSubject differs from the sealed content$/,
    },
    {
      title: "by a time",
      how: "update mfa_change set created_at = created_at - interval '1 microsecond' where seq = 5",
      seq: 5,
      reason: /createdAt/,
    },
    {
      title: "by more in a JSON column",
      how: `update mfa_change set requested = requested || '{"more": 1}' where seq = 5`,
      seq: 5,
      reason: /requested/,
    },
    {
      title: "by its content",
      how: "update mfa_change set sealed_content = replace(sealed_content, 'applied', 'refused') where seq = 3",
      seq: 3,
      reason: /hash does not match its content/,
    },
    {
      title: "by content that is not JSON",
      how: "update mfa_change set sealed_content = 'x' where seq = 3",
      seq: 3,
      reason: /hash does not match its content/,
    },
    {
      title: "by its hash",
      how: "update mfa_change set hash = repeat('a', 64) where seq = 8",
      seq: 8,
      reason: /hash does not match its content/,
    },
    {
      title: "by the hash before",
      how: "update mfa_change set previous_hash = repeat('a', 64) where seq = 4",
      seq: 4,
      reason: /does not follow/,
    },
    {
      title: "by a deletion",
      how: "delete from mfa_change where seq = 4",
      seq: 4,
      reason: /record 5 is there instead/,
    },
    {
      title: "by the deletion of the first",
      how: "delete from mfa_change where seq = 1",
      seq: 1,
      reason: /record 2 is there instead/,
    },
    {
      title: "by the deletion of the last",
      how: "delete from mfa_change where seq > 6",
      seq: 7,
      reason: /it is missing, and so is the rest: the chain ends at 8/,
    },
    {
      title: "by a number",
      how: "update mfa_change set seq = 100 where seq = 8",
      seq: 8,
      reason: /its number is 100/,
    },
    {
      title: "by a number before the first",
      how: "update mfa_change set seq = -1 where seq = 8",
      seq: 1,
      reason: /record -1 is there instead/,
    },
    {
      title: "by its end",
      how: "update audit_chain set hash = repeat('a', 64)",
      seq: undefined,
      reason: /the hash at the end/,
    },
    {
      title: "by an end too early",
      how: "update audit_chain set seq = 5",
      seq: undefined,
      reason: /should end at 5/,
    },
  ];
  test.each(cases)("$title: verification names the first bad record", async ({ how, seq, reason }) => {
    await rewriteRecord(database, async (db) => {
      await sql.raw(how).execute(db);
    });
    const { problem } = await verify(database);
    expect(problem).toMatchObject({ seq, reason: expect.stringMatching(reason) });
    if (problem?.changeId !== undefined) expect(problem.changeId).toBe(ids[(seq ?? 0) - 1]);
  });

  test("and whose later records are sealed again is detected only by the checkpoint", async () => {
    const reseal = async (db: Kysely<Tables>): Promise<void> => {
      await sql`update mfa_change set status = 'refused' where seq = 3`.execute(db);
      for (let seq = 3; seq <= 8; seq++) {
        await sql`
          update mfa_change c set
            previous_hash = (select hash from mfa_change where seq = ${seq - 1}),
            sealed_content = change_content(c),
            hash = encode(sha256(convert_to(
              (select hash from mfa_change where seq = ${seq - 1}) || change_content(c), 'UTF8')), 'hex')
          where seq = ${seq}`.execute(db);
      }
      await sql`update audit_chain set hash = (select hash from mfa_change where seq = 8)`.execute(db);
    };
    await sign(database);
    await rewriteRecord(database, reseal);
    expect((await verify(database)).problem).toMatchObject({
      seq: 1,
      reason: expect.stringMatching(/^it or a later one up to 8 was rewritten/),
    });
    await rewriteRecord(database, async (db) => {
      await db.deleteFrom("audit_checkpoint").execute();
    });
    expect(await verify(database)).toMatchObject({ problem: undefined, signed: undefined });
  });
});
