import { sql } from "kysely";
import { beforeAll, describe, expect, test } from "vitest";
import { ApprovalStore } from "../../src/audit/approval-store.ts";
import type { ChangeApprovalIntent, ChangeIntent } from "../../src/audit/change-record.ts";
import { ChangeStore } from "../../src/audit/change-store.ts";
import { exportRecord } from "../../src/audit/export-record.ts";
import { atOneMoment } from "../../src/audit/read-record.ts";
import { RequestMacs } from "../../src/audit/request-macs.ts";
import { verifyDatabase } from "../../src/audit/verify-database.ts";
import type { Database } from "../../src/database/database.ts";
import type { LogEventId, Report } from "../../src/telemetry/log-events.ts";
import { createTestPostgres, openTestDatabase, openTestPostgres } from "../support/open-test-database.ts";
import { TEST_MACS } from "../support/signing-key.ts";
import { APPLIED, FRESH, intentOf, newUin, OLD } from "./intent-of.ts";

const BOB = { subject: "bob", client: "console", issuer: "https://issuer.example" };

/** An approval by another caller. */
function approvalBy(by = BOB, change: Partial<ChangeApprovalIntent> = {}): ChangeApprovalIntent {
  return {
    by,
    gatewayRequestId: "request-of-bob",
    reason: "I have asked her.",
    before: { login: { phone: false, stoken: true, wechat: false } },
    sent: { login: { phone: true, stoken: true, wechat: false } },
    leaseMs: 60_000,
    ...change,
  };
}

const rejection = { gatewayRequestId: "request-of-bob", reason: "No ticket exists for it." };

interface Logs {
  readonly log: ChangeStore;
  readonly approvals: ApprovalStore;
}

function logsOf(database: Database, replica = "replica-1"): Logs {
  const deps = { database, replica, requestMacs: TEST_MACS };
  return { log: new ChangeStore(deps), approvals: new ApprovalStore(deps) };
}

/** An intent that another caller has an hour to approve. */
function awaitingIntent(change: Partial<ChangeIntent> = {}): ChangeIntent {
  return intentOf({ approvalMs: 3_600_000, ...change });
}

async function awaiting({ log }: Logs, intent = awaitingIntent()): Promise<string> {
  const verdict = await log.begin(intent, FRESH);
  expect(verdict.kind).toBe("AWAITING");
  return verdict.id;
}

describe.each(["postgres", "pglite"] as const)("a change that needs approval, on %s", (kind) => {
  let database: Database;
  let logs: Logs;

  beforeAll(async () => {
    database = await openTestDatabase(kind);
    logs = logsOf(database);
  });

  test("is recorded with the request, the before-image and the time limit of its approval", async () => {
    const intent = awaitingIntent();
    const id = await awaiting(logs, intent);
    const record = await logs.log.find(id);
    expect(record).toMatchObject({
      status: "awaiting_approval",
      opUin: intent.opUin,
      caller: intent.caller,
      requested: intent.requested,
      reason: intent.reason,
      before: intent.before,
      sent: intent.sent,
      approval: { decision: undefined },
      finishedAt: undefined,
      seq: undefined,
    });
    const { approval, createdAt } = record ?? {};
    expect(Number(approval?.expiresAt) - Number(createdAt)).toBeGreaterThan(3_590_000);
    expect(await logs.log.list({ status: "awaiting_approval", opUin: intent.opUin }, 10)).toHaveLength(1);
  });

  test("does not block other changes of the user, and other changes do not block its recording", async () => {
    const intent = awaitingIntent();
    await awaiting(logs, intent);
    const direct = intentOf({ opUin: intent.opUin, requestHash: "hash-b" });
    const { id: underWay } = await logs.log.begin(direct, FRESH);
    expect(await logs.log.find(underWay)).toMatchObject({ status: "pending" });
    await awaiting(
      logs,
      awaitingIntent({ opUin: intent.opUin, requestHash: "hash-c", requested: { login: { phone: false } } }),
    );
    await logs.log.settle(underWay, APPLIED);
    const late = await logs.log.begin(
      awaitingIntent({ opUin: intent.opUin, requestHash: "hash-d", requested: { action: { phone: true } } }),
      OLD,
    );
    expect(late.kind).toBe("AWAITING");
  });

  test("is joined by the same request of the same caller, and of no other caller", async () => {
    const intent = awaitingIntent();
    const id = await awaiting(logs, intent);
    expect(await logs.log.begin(intent, FRESH)).toEqual({ kind: "JOIN", id });
    const others: Partial<ChangeIntent>[] = [
      { caller: BOB },
      { caller: { ...intent.caller, issuer: "https://another.example" } },
      { requestHash: "hash-b", requested: { login: { phone: false }, overwriteOtherMethods: false } },
      { opUin: newUin() },
      { idempotencyKey: `key-${intent.opUin}` },
    ];
    for (const other of others) {
      const verdict = await logs.log.begin({ ...intent, ...other }, FRESH);
      expect(verdict, JSON.stringify(other)).toEqual({ kind: "AWAITING", id: expect.not.stringMatching(id) });
    }
  });

  test.each([
    ["another reason", { reason: "Another one.", requestHash: "hash-b" }],
    ["no reason", { reason: undefined, requestHash: "hash-b" }],
    ["nulls for omitted methods", { requested: { login: { phone: true, stoken: null }, action: null } }],
    ["an empty protection", { requested: { login: { phone: true }, action: {} } }],
  ])("is joined by a request of the same effect with %s", async (_what, otherwise) => {
    const intent = awaitingIntent();
    const id = await awaiting(logs, intent);
    expect(await logs.log.begin({ ...intent, ...otherwise }, FRESH)).toEqual({ kind: "JOIN", id });
  });

  test("is one of at most five of a person and user, with any issuer, spelling and key", async () => {
    const opUin = newUin();
    const caller = { subject: "alice", client: "portal", issuer: "https://issuer.example" };
    const ofAlice: Partial<ChangeIntent>[] = [
      { caller: { ...caller, issuer: "https://another.example" } },
      { caller: { ...caller, subject: "Alice" } },
      { caller: { ...caller, subject: "ａｌｉｃｅ", client: "console" } },
      { idempotencyKey: `key-${opUin}-1` },
      { idempotencyKey: `key-${opUin}-2` },
    ];
    // Expired changes do not count.
    const expired = await awaiting(logs, awaitingIntent({ opUin, caller, approvalMs: 0 }));
    const ids: string[] = [];
    for (const change of ofAlice)
      ids.push(await awaiting(logs, awaitingIntent({ opUin, caller, ...change })));
    const more = awaitingIntent({ opUin, caller, idempotencyKey: `key-${opUin}-3` });
    expect(await logs.log.begin(more, FRESH)).toEqual({ kind: "FULL", id: ids[0] });
    // Changes of other people, users and accounts do not count, nor changes that need no approval.
    await awaiting(logs, awaitingIntent({ opUin, caller: BOB }));
    await awaiting(logs, awaitingIntent({ caller }));
    await awaiting(logs, awaitingIntent({ opUin, caller, account: "other" }));
    const direct = await logs.log.begin(intentOf({ opUin, caller, requestHash: "hash-d" }), FRESH);
    expect(direct.kind).toBe("BEGUN");
    await logs.log.settle(direct.id, APPLIED);
    // A withdrawn change makes room for another.
    await logs.approvals.reject(ids[0] ?? "", caller, rejection);
    await awaiting(logs, more);
    const last = { ...more, idempotencyKey: `key-${opUin}-4` };
    expect(await logs.log.begin(last, FRESH)).toEqual({ kind: "FULL", id: ids[1] });
    expect(await logs.approvals.approve(expired, approvalBy(), FRESH)).toMatchObject({ kind: "EXPIRED" });
  });

  test("is one of at most five when many requests come at the same time", async () => {
    const opUin = newUin();
    const intents = Array.from({ length: 24 }, (_, at) =>
      awaitingIntent({ opUin, idempotencyKey: `key-${opUin}-${at}` }),
    );
    const others = logsOf(database, "replica-2");
    const verdicts = await Promise.all(
      intents.map((intent, at) => (at % 2 === 0 ? logs : others).log.begin(intent, FRESH)),
    );
    expect(verdicts.filter(({ kind }) => kind === "AWAITING")).toHaveLength(5);
    expect(verdicts.filter(({ kind }) => kind === "FULL")).toHaveLength(19);
  });

  test("is found by its idempotency key after any decision", async () => {
    const intent = awaitingIntent({ idempotencyKey: `key-${newUin()}` });
    const id = await awaiting(logs, intent);
    expect(await logs.log.begin(intent, FRESH)).toEqual({ kind: "REPLAY", id });
    await logs.approvals.reject(id, BOB, rejection);
    expect(await logs.log.begin(intent, FRESH)).toEqual({ kind: "REPLAY", id });
  });

  test("is approved by another caller with a new before-image, and sealed with the approver and the reason", async () => {
    const id = await awaiting(logs);
    expect(await logs.approvals.approve(id, approvalBy(), FRESH)).toEqual({ kind: "BEGUN", id });
    expect(await logs.log.find(id)).toMatchObject({
      status: "pending",
      before: approvalBy().before,
      sent: approvalBy().sent,
    });
    expect(await logs.log.settle(id, APPLIED)).toMatchObject({ sealed: true });
    const decision = {
      kind: "approved",
      by: BOB,
      at: expect.any(Date),
      reason: "I have asked her.",
      gatewayRequestId: "request-of-bob",
    };
    expect(await logs.log.find(id)).toMatchObject({ status: "applied", approval: { decision } });
    const sealed = await contentOf(database, id);
    expect(sealed).toMatchObject({
      status: "applied",
      callerSubject: "alice",
      decision: "approved",
      decidedBySubject: "bob",
      decidedByClient: "console",
      decidedByIssuer: "https://issuer.example",
      decisionRequestId: "request-of-bob",
      decisionReason: "I have asked her.",
      expiresAt: expect.stringMatching(/Z$/),
      decidedAt: expect.stringMatching(/Z$/),
    });
    expect(await logs.approvals.approve(id, approvalBy(), FRESH)).toEqual({ kind: "DECIDED", id });
  });

  test.each([
    ["the requester", "alice", "https://issuer.example"],
    ["the requester by another issuer", "alice", "https://another.example"],
    ["the requester without an issuer", "alice", undefined],
    ["the requester in capitals", "ALICE", "https://issuer.example"],
    ["the requester in wide letters", "ａｌｉｃｅ", "https://issuer.example"],
    ["the requester with a trailing blank", "alice\u00a0", "https://another.example"],
  ])("cannot be approved by %s", async (_who, subject, issuer) => {
    const id = await awaiting(logs);
    const own = approvalBy({ ...BOB, subject, issuer: issuer as string });
    expect(await logs.approvals.approve(id, own, FRESH)).toEqual({ kind: "OWN", id });
    expect(await logs.log.find(id)).toMatchObject({ status: "awaiting_approval" });
  });

  test("cannot be sent without approval or approved by its requester, even by a direct SQL statement", async () => {
    const id = await awaiting(logs);
    const attempts = [
      "status = 'pending'",
      "status = 'applied', finished_at = now()",
      "decision = 'approved', decided_at = now(), decided_by_subject = 'bob', decision_request_id = 'r'",
      "status = 'pending', decision = 'approved', decided_at = now(), decided_by_subject = 'alice', decision_request_id = 'r'",
      "status = 'pending', decision = 'approved', decided_at = now(), decided_by_subject = 'Alice', decided_by_person = 'alice', decision_request_id = 'r'",
    ];
    for (const attempt of attempts) {
      const update = sql.raw(`update mfa_change set ${attempt} where id = '${id}'`).execute(database.db);
      await expect(update, attempt).rejects.toMatchObject({ code: "23514" });
    }
    await expect(logs.log.settle(id, APPLIED)).rejects.toMatchObject({ code: "23514" });
  });

  test("is refused if the gateway did not seal it, or seals with another key", async () => {
    const unsealed = { log: new ChangeStore({ database, replica: "replica-1" }), approvals: logs.approvals };
    const without = new ApprovalStore({ database, replica: "replica-1", requestMacs: undefined });
    const other = RequestMacs.ofSecret(Buffer.alloc(32, 8));
    const reported: [LogEventId, object | undefined][] = [];
    const report: Report = (event, fields) => reported.push([event, fields]);
    const stranger = new ApprovalStore({ database, replica: "replica-1", requestMacs: other, report });
    const cases = [
      [logs.approvals, await awaiting(unsealed)],
      [without, await awaiting(logs)],
      [stranger, await awaiting(logs)],
    ] as const;
    for (const [approvals, id] of cases) {
      expect(await approvals.approve(id, approvalBy(), FRESH)).toEqual({ kind: "FORGED", id });
      expect(await logs.log.find(id)).toMatchObject({
        status: "refused",
        code: "FORBIDDEN",
        seq: expect.any(String),
      });
    }
    expect(reported).toEqual([["approval.not_genuine", { changeId: cases[2][1], why: "UNKNOWN_KEY" }]]);
  });

  test("is refused if its flag sets were composed from a record that was altered and restored", async () => {
    const id = await awaiting(logs);
    const genuine = await logs.log.find(id);
    if (genuine === undefined) throw new Error("It is on record.");
    const altered = { ...genuine, requested: { login: { phone: false } } };
    const replayed = await logs.log.find(await awaiting(logs));
    for (const composedFrom of [altered, replayed]) {
      if (composedFrom === undefined) throw new Error("It is on record.");
      const next = await awaiting(logs);
      const from = composedFrom === altered ? { ...altered, id: next } : composedFrom;
      const verdict = await logs.approvals.approve(next, approvalBy(BOB, { composedFrom: from }), FRESH);
      expect(verdict).toEqual({ kind: "FORGED", id: next });
    }
    const composed = approvalBy(BOB, { composedFrom: genuine });
    expect(await logs.approvals.approve(id, composed, FRESH)).toEqual({ kind: "BEGUN", id });
  });

  test("waits for an open change of the user, and needs a new before-image after a change that ended", async () => {
    const opUin = newUin();
    const id = await awaiting(logs, awaitingIntent({ opUin }));
    const { id: other } = await logs.log.begin(intentOf({ opUin, requestHash: "hash-b" }), FRESH);
    expect(await logs.approvals.approve(id, approvalBy(), FRESH)).toEqual({ kind: "BUSY", id: other });
    const settled = await logs.log.settle(other, APPLIED);
    expect(await logs.approvals.approve(id, approvalBy(), FRESH)).toEqual({ kind: "STALE", id: other });
    const basis = { lastSettleOrder: settled?.settleOrder, ageMs: 0 };
    expect(await logs.approvals.approve(id, approvalBy(), basis)).toEqual({ kind: "BEGUN", id });
  });

  test("comes in dispatch order after changes that were made before its approval", async () => {
    const opUin = newUin();
    const id = await awaiting(logs, awaitingIntent({ opUin }));
    const { id: between } = await logs.log.begin(intentOf({ opUin, requestHash: "hash-b" }), FRESH);
    const settled = await logs.log.settle(between, APPLIED);
    await logs.approvals.approve(id, approvalBy(), { lastSettleOrder: settled?.settleOrder, ageMs: 0 });
    const [approved, other] = [await logs.log.find(id), await logs.log.find(between)];
    if (approved === undefined || other === undefined) throw new Error("Both are on record.");
    expect((await logs.log.otherWrites(approved)).later).toEqual([]);
    expect((await logs.log.otherWrites(other)).later).toEqual([approvalBy().sent]);
    await logs.log.settle(id, APPLIED);
    const recent = await logs.log.recentWrites("default", opUin);
    expect(recent.map(({ changeId }) => changeId)).toEqual([between, id]);
  });

  test("does not count as a later write while it waits", async () => {
    const opUin = newUin();
    const { id } = await logs.log.begin(intentOf({ opUin }), FRESH);
    await awaiting(logs, awaitingIntent({ opUin, requestHash: "hash-b" }));
    const record = await logs.log.find(id);
    expect(record && (await logs.log.otherWrites(record)).later).toEqual([]);
  });

  test("is rejected by another caller or withdrawn by its requester, only once", async () => {
    const cases = [
      { by: BOB, kind: "rejected" },
      { by: intentOf().caller, kind: "withdrawn" },
      { by: { ...intentOf().caller, issuer: "https://another.example" }, kind: "rejected" },
    ];
    for (const { by, kind: decision } of cases) {
      const id = await awaiting(logs);
      expect(await logs.approvals.reject(id, by, rejection)).toBe("SETTLED");
      expect(await logs.log.find(id)).toMatchObject({
        status: "refused",
        code: "APPROVAL_REJECTED",
        attempts: 0,
        approval: { decision: { kind: decision, by, reason: "No ticket exists for it." } },
        seq: expect.any(String),
      });
      expect(await logs.approvals.reject(id, BOB, rejection)).toBe("DECIDED");
      expect(await logs.approvals.approve(id, approvalBy(), FRESH)).toEqual({ kind: "DECIDED", id });
    }
  });

  test("expires by the database's clock: a decision or the reconciler then settles it", async () => {
    const late = { approvalMs: -1 };
    const [approved, rejected, left] = [
      await awaiting(logs, awaitingIntent(late)),
      await awaiting(logs, awaitingIntent(late)),
      await awaiting(logs, awaitingIntent(late)),
    ];
    expect(await logs.approvals.approve(approved, approvalBy(), FRESH)).toEqual({
      kind: "EXPIRED",
      id: approved,
    });
    expect(await logs.approvals.reject(rejected, BOB, rejection)).toBe("EXPIRED");
    for (const id of [approved, rejected]) {
      expect(await logs.log.find(id)).toMatchObject({
        status: "refused",
        code: "APPROVAL_EXPIRED",
        approval: { decision: undefined },
        seq: expect.any(String),
      });
    }
    const taken = await logs.log.claim("default", 100, 1_000);
    expect(taken).toMatchObject([{ id: left, status: "awaiting_approval" }]);
  });

  test("is not joined after it has expired", async () => {
    const intent = awaitingIntent({ approvalMs: -1 });
    const id = await awaiting(logs, intent);
    const again = await logs.log.begin({ ...intent, approvalMs: 60_000 }, FRESH);
    expect(again).toEqual({ kind: "AWAITING", id: expect.not.stringMatching(id) });
  });

  test("is verified and exported like any other, and verification finds an altered decision", async () => {
    const report = await atOneMoment(database.db, (db) => verifyDatabase(db, undefined));
    expect(report.problem).toBeUndefined();
    expect(report.records).toBeGreaterThan(5);
    const lines: string[] = [];
    await atOneMoment(database.db, async (db) => {
      for await (const line of exportRecord(db)) lines.push(line);
    });
    expect(lines.filter((line) => line.includes(String.raw`\"decision\": \"withdrawn\"`))).toHaveLength(1);
    const alter = sql`update mfa_change set decided_by_subject = 'mallory' where decision = 'withdrawn'`;
    await expect(alter.execute(database.db)).rejects.toThrow("the record of changes is kept");
  });

  test("with an unknown id cannot be decided", async () => {
    await expect(logs.approvals.approve("nonsense", approvalBy(), FRESH)).rejects.toThrow(RangeError);
    await expect(logs.approvals.reject("1 or true", BOB, rejection)).rejects.toThrow(RangeError);
    const { id } = await logs.log.begin(intentOf(), FRESH);
    expect(await logs.approvals.approve(id, approvalBy(), FRESH)).toEqual({ kind: "DECIDED", id });
    expect(await logs.approvals.reject(id, BOB, rejection)).toBe("DECIDED");
    expect(await logs.log.find(id)).toMatchObject({ status: "pending" });
  });
});

describe("two replicas on PostgreSQL", () => {
  async function twoReplicas(): Promise<readonly [Logs, Logs]> {
    const url = await createTestPostgres();
    return [logsOf(await openTestPostgres(url), "one"), logsOf(await openTestPostgres(url), "two")];
  }

  test("of callers who approve a change at the same time, one succeeds", async () => {
    const [one, two] = await twoReplicas();
    for (let round = 0; round < 50; round++) {
      const id = await awaiting(one);
      const verdicts = await Promise.all(
        [one, two, one, two].map(({ approvals }, at) =>
          approvals.approve(id, approvalBy({ ...BOB, subject: `approver-${at}` }), FRESH),
        ),
      );
      expect(verdicts.map(({ kind }) => kind).sort()).toEqual(["BEGUN", "DECIDED", "DECIDED", "DECIDED"]);
    }
  });

  test("of an approval and a rejection at the same time, one counts", async () => {
    const [one, two] = await twoReplicas();
    const outcomes = new Set<string>();
    for (let round = 0; round < 50; round++) {
      const id = await awaiting(one);
      const [approved, rejected] = await Promise.all([
        one.approvals.approve(id, approvalBy(), FRESH),
        two.approvals.reject(id, { ...BOB, subject: "carol" }, rejection),
      ]);
      outcomes.add(`${approved.kind} ${rejected}`);
      const { status } = (await one.log.find(id)) ?? {};
      expect(status).toBe(approved.kind === "BEGUN" ? "pending" : "refused");
    }
    for (const outcome of outcomes) expect(["BEGUN DECIDED", "DECIDED SETTLED"]).toContain(outcome);
  });

  test("of an approved change and another change of the user at the same time, one begins", async () => {
    const [one, two] = await twoReplicas();
    for (let round = 0; round < 50; round++) {
      const opUin = newUin();
      const id = await awaiting(one, awaitingIntent({ opUin }));
      const [approved, begun] = await Promise.all([
        one.approvals.approve(id, approvalBy(), FRESH),
        two.log.begin(intentOf({ opUin, requestHash: "hash-b" }), FRESH),
      ]);
      expect([approved.kind, begun.kind].sort()).toEqual(["BEGUN", "BUSY"]);
    }
  });
});

async function contentOf({ db }: Database, id: string): Promise<object> {
  const { rows } = await sql<{ content: string }>`
    select sealed_content as content from mfa_change where id = ${id}`.execute(db);
  return JSON.parse(rows[0]?.content ?? "{}") as object;
}
