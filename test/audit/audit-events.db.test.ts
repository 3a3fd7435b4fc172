import { sql } from "kysely";
import { beforeEach, describe, expect, test } from "vitest";
import { AuditEvents, EVENT_KINDS } from "../../src/audit/audit-events.ts";
import { CallerPauses } from "../../src/audit/caller-pauses.ts";
import { GATEWAY_CHAIN } from "../../src/audit/chain.ts";
import { ChangeStore } from "../../src/audit/change-store.ts";
import { readRecords } from "../../src/audit/read-record.ts";
import { verifyDatabase } from "../../src/audit/verify-database.ts";
import type { Database } from "../../src/database/database.ts";
import { openTestDatabase } from "../support/open-test-database.ts";
import { rewriteRecord } from "../support/rewrite-record.ts";
import { APPLIED, FRESH, intentOf } from "./intent-of.ts";

const REFUSAL = {
  kind: "refusal" as const,
  ...{ subject: "mallory", client: "portal", issuer: "https://issuer.example" },
  details: { code: "FORBIDDEN", rule: "policy no-sms", opUin: "100" },
};

let database: Database;
let events: AuditEvents;

beforeEach(async () => {
  database = await openTestDatabase("postgres");
  events = new AuditEvents(database);
});

async function kinds(): Promise<string[]> {
  return (await events.list({}, 100)).map(({ kind, account }) =>
    account === undefined ? kind : `${kind} ${account}`,
  );
}

test("events are sealed into the chain of the gateway, and listed newest first", async () => {
  await events.record([REFUSAL, { ...REFUSAL, subject: "eve", ageMs: 60_000 }]);
  await events.record([{ kind: "export", subject: "somebody else", details: { since: 0 } }]);
  const all = await events.list({}, 10);
  expect(all.map(({ by }) => by?.subject)).toEqual([expect.stringMatching(/./), "eve", "mallory"]);
  // The database names the role that exports.
  expect(all[0]?.by?.subject).not.toBe("somebody else");
  const [, eve, mallory] = all;
  expect(mallory).toMatchObject({ kind: "refusal", by: { client: "portal" }, details: REFUSAL.details });
  const apartMs = (mallory?.at.getTime() ?? 0) - (eve?.at.getTime() ?? 0);
  expect(Math.abs(apartMs - 60_000)).toBeLessThan(10_000);
  expect(await events.list({ subject: "eve" }, 10)).toEqual([eve]);
  expect(await events.list({ kind: "refusal" }, 1, eve?.id)).toEqual([mallory]);
  expect(await events.list({ until: mallory?.at, kind: "refusal" }, 10)).toEqual([eve]);
  const report = await verifyDatabase(database.db, undefined);
  expect(report).toMatchObject({ records: 3, problem: undefined });
  expect(report.chains.find(({ chain }) => chain === GATEWAY_CHAIN)?.last).toBe(3);
});

describe("an event that was tampered with", () => {
  test.each([
    [
      "a column",
      "update audit_event set subject = 'alice' where chain_seq = 2",
      2,
      /its stored subject differs/,
    ],
    [
      "its details",
      `update audit_event set details = details || '{"more": 1}' where chain_seq = 2`,
      2,
      /details differs/,
    ],
    [
      "its text",
      "update audit_event set sealed_content = '{}' where chain_seq = 2",
      2,
      /hash does not match/,
    ],
    ["a deletion", "delete from audit_event where chain_seq = 2", 2, /record 3 is there instead/],
    ["a cut tail", "delete from audit_event where chain_seq = 3", 3, /it is missing, and so is the rest/],
  ])("by %s is found", async (_, how, seq, reason) => {
    await events.record([REFUSAL, REFUSAL, REFUSAL]);
    await expect(sql.raw(how).execute(database.db)).rejects.toMatchObject({ code: "23001" });
    await rewriteRecord(database, async (db) => {
      await sql.raw(how).execute(db);
    });
    const { problem } = await verifyDatabase(database.db, undefined);
    expect(problem).toMatchObject({ chain: GATEWAY_CHAIN, seq, reason: expect.stringMatching(reason) });
  });
});

test("a pause and its end are sealed with the caller and the operator", async () => {
  const guard = { users: 1, withinMs: 60_000 };
  const log = new ChangeStore({ database, replica: "replica-1", guard });
  const caller = { subject: "batch", client: undefined, issuer: undefined };
  await log.begin(intentOf({ caller }), FRESH);
  const { id } = await log.begin(intentOf({ caller }), FRESH);
  await new CallerPauses(database).resume(id, { ...caller, subject: "operator" });
  expect(await events.list({}, 10)).toMatchObject([
    { kind: "caller_resumed", by: { subject: "operator" }, details: { pauseId: id, caller: "batch" } },
    { kind: "caller_paused", by: { subject: "batch" }, details: { pauseId: id, users: 2 } },
  ]);
});

test("the gateway's function seals no kind that the database seals by itself, and no long text", async () => {
  for (const kind of EVENT_KINDS.filter(
    (each) => !["refusal", "refusals", "export", "restore_accepted"].includes(each),
  )) {
    const forged = { ...REFUSAL, kind } as unknown as typeof REFUSAL;
    await expect(events.record([forged])).rejects.toMatchObject({ code: "23514" });
  }
  await expect(events.record([{ ...REFUSAL, subject: "x".repeat(20_000) }])).rejects.toMatchObject({
    code: "23514",
  });
  expect(await kinds()).toEqual([]);
});

test("a change keeps the policy that allowed it, and one without a policy is sealed as before", async () => {
  const log = new ChangeStore({ database, replica: "replica-1" });
  const policy = { policyHash: "a".repeat(64), policyRules: ["helpdesk", "sms-off"] };
  for (const more of [policy, {}]) {
    const { id } = await log.begin(intentOf(more), FRESH);
    await log.settle(id, APPLIED);
    expect(await log.find(id)).toMatchObject({ policyHash: undefined, policyRules: undefined, ...more });
  }
  const contents = await Array.fromAsync(readRecords(database.db, "account:default", 0), ({ content }) =>
    JSON.parse(content),
  );
  expect(contents[0]).toMatchObject(policy);
  expect(Object.keys(contents[1])).not.toContain("policyHash");
  await rewriteRecord(database, async (db) => {
    await sql`update mfa_change set policy_rules = '{root}' where chain_seq = 1`.execute(db);
  });
  expect((await verifyDatabase(database.db, undefined)).problem?.reason).toBe(
    "its stored policyRules differs from the sealed content",
  );
});
