import { sql } from "kysely";
import { beforeAll, describe, expect, test } from "vitest";
import { ApprovalStore } from "../../src/audit/approval-store.ts";
import { type BulkGuard, CallerPauses } from "../../src/audit/caller-pauses.ts";
import type { ChangeIntent } from "../../src/audit/change-record.ts";
import { ChangeStore } from "../../src/audit/change-store.ts";
import type { CallerIdentity } from "../../src/auth/caller.ts";
import type { Database } from "../../src/database/database.ts";
import { createTestPostgres, openTestDatabase, openTestPostgres } from "../support/open-test-database.ts";
import { TEST_MACS } from "../support/signing-key.ts";
import { FRESH, intentOf, newUin } from "./intent-of.ts";

const GUARD: BulkGuard = { users: 3, withinMs: 600_000 };
const OPERATOR = { subject: "operator", client: undefined, issuer: "https://issuer.example" };

let callers = 0;

function newCaller(): CallerIdentity {
  callers++;
  return { subject: `caller-${callers}`, client: "portal", issuer: "https://issuer.example" };
}

describe.each(["postgres", "pglite"] as const)("the bulk guard on %s", (kind) => {
  let database: Database;
  let log: ChangeStore;
  let approvals: ApprovalStore;
  let pauses: CallerPauses;

  beforeAll(async () => {
    database = await openTestDatabase(kind);
    log = new ChangeStore({ database, replica: "replica-1", guard: GUARD, requestMacs: TEST_MACS });
    approvals = new ApprovalStore({ database, replica: "replica-1", guard: GUARD, requestMacs: TEST_MACS });
    pauses = new CallerPauses(database);
  });

  async function begin(caller: CallerIdentity, change: Partial<ChangeIntent> = {}): Promise<string> {
    return (await log.begin(intentOf({ caller, ...change }), FRESH)).kind;
  }

  async function kinds(caller: CallerIdentity, count: number): Promise<string[]> {
    const found: string[] = [];
    for (let i = 0; i < count; i++) found.push(await begin(caller));
    return found;
  }

  test("pauses a caller who exceeds the limit by one user, and reports it once", async () => {
    const caller = newCaller();
    expect(await kinds(caller, 6)).toEqual(["BEGUN", "BEGUN", "BEGUN", "PAUSES", "PAUSED", "PAUSED"]);
    expect(await pauses.isPaused(caller)).toBe(true);
    expect((await pauses.list())[0]).toEqual({
      id: expect.any(String),
      subject: caller.subject,
      issuer: caller.issuer,
      pausedAt: expect.any(Date),
      users: 4,
      withinMs: 600_000,
      resumed: undefined,
    });
  });

  test("records no change for a paused caller, but replays a repeated idempotency key", async () => {
    const caller = newCaller();
    const keyed = intentOf({ caller, idempotencyKey: `key-${caller.subject}` });
    const { id } = await log.begin(keyed, FRESH);
    await kinds(caller, 3);
    expect(await log.begin(keyed, FRESH)).toEqual({ kind: "REPLAY", id });
    expect(await begin(caller)).toBe("PAUSED");
    expect(await log.list({ callerSubject: caller.subject }, 10)).toHaveLength(3);
  });

  test("counts users, not changes", async () => {
    const caller = newCaller();
    const opUin = newUin();
    for (let i = 0; i < 6; i++) {
      const intent = intentOf({ caller, opUin, requestHash: `${i}` });
      const { id, kind: verdict } = await log.begin(intent, FRESH);
      expect(verdict).toBe("BEGUN");
      await log.settle(id, { status: "refused", code: "USER_NOT_EXIST", attempts: 1, quotaWaitMs: 0 });
    }
    expect(await kinds(caller, 3)).toEqual(["BEGUN", "BEGUN", "PAUSES"]);
  });

  test("counts each caller separately, and one subject of two issuers as two callers", async () => {
    const caller = newCaller();
    await kinds(caller, 4);
    for (const issuer of ["https://another.example", undefined]) {
      expect(await begin({ ...caller, issuer })).toBe("BEGUN");
      expect(await pauses.isPaused({ subject: caller.subject, issuer })).toBe(false);
    }
    expect(await begin({ ...caller, client: "another program" })).toBe("PAUSED");
  });

  test("counts only changes within the time", async () => {
    const caller = newCaller();
    await kinds(caller, 3);
    await sql`
      update caller_user set changed_at = changed_at - interval '11 minutes'
      where subject = ${caller.subject}`.execute(database.db);
    expect(await kinds(caller, 4)).toEqual(["BEGUN", "BEGUN", "BEGUN", "PAUSES"]);
  });

  test("counts a waiting change for its requester, and an approval for its approver", async () => {
    const [caller, approver] = [newCaller(), newCaller()];
    const ids: string[] = [];
    for (let i = 0; i < 3; i++)
      ids.push((await log.begin(intentOf({ caller, approvalMs: 60_000 }), FRESH)).id);
    expect(await begin(caller, { approvalMs: 60_000 })).toBe("PAUSES");
    const approve = async (id: string): Promise<string> => {
      const intent = {
        by: approver,
        gatewayRequestId: "r",
        reason: undefined,
        before: {},
        sent: {},
        leaseMs: 1,
      };
      return (await approvals.approve(id, intent, FRESH)).kind;
    };
    expect(await begin(approver)).toBe("BEGUN");
    const [first = "", second = "", third = ""] = ids;
    expect([await approve(first), await approve(second), await approve(third)]).toEqual([
      "BEGUN",
      "BEGUN",
      "PAUSES",
    ]);
    expect(await log.find(third)).toMatchObject({ status: "awaiting_approval" });
  });

  test("does not count rejections, which a paused caller may still make", async () => {
    const [caller, approver] = [newCaller(), newCaller()];
    await kinds(approver, 4);
    const { id } = await log.begin(intentOf({ caller, approvalMs: 60_000 }), FRESH);
    const request = { gatewayRequestId: "r", reason: undefined };
    expect(await approvals.reject(id, approver, request)).toBe("SETTLED");
  });

  test("allows changes after an operator has resumed the caller, and restarts the count", async () => {
    const caller = newCaller();
    await kinds(caller, 4);
    const pause = (await pauses.list()).find(({ subject }) => subject === caller.subject);
    const resumed = await pauses.resume(pause?.id ?? "", OPERATOR);
    expect(resumed).toMatchObject({ id: pause?.id, resumed: { at: expect.any(Date), by: OPERATOR } });
    expect(await pauses.resume(pause?.id ?? "", OPERATOR)).toBeUndefined();
    expect(await pauses.isPaused(caller)).toBe(false);
    expect(await kinds(caller, 5)).toEqual(["BEGUN", "BEGUN", "BEGUN", "PAUSES", "PAUSED"]);
    const { rows } = await sql`select from caller_pause where subject = ${caller.subject}`.execute(
      database.db,
    );
    expect(rows).toHaveLength(2);
  });

  test("pauses no caller if it is off, not even a caller who was paused before", async () => {
    const caller = newCaller();
    await kinds(caller, 4);
    const off = new ChangeStore({ database, replica: "replica-1" });
    expect((await off.begin(intentOf({ caller }), FRESH)).kind).toBe("BEGUN");
  });

  test("keeps its history: no statement deletes a pause or alters a pause that is over", async () => {
    const caller = newCaller();
    await kinds(caller, 4);
    const pause = (await pauses.list()).find(({ subject }) => subject === caller.subject);
    await pauses.resume(pause?.id ?? "", OPERATOR);
    for (const statement of [
      "delete from caller_pause",
      "truncate caller_pause",
      "update caller_pause set resumed_by_subject = 'mallory' where resumed_at is not null",
    ]) {
      await expect(sql.raw(statement).execute(database.db)).rejects.toMatchObject({ code: "23001" });
    }
  });
});

describe("two replicas on PostgreSQL", () => {
  test("count one caller together, also under many requests at the same time, and report one pause", async () => {
    const url = await createTestPostgres();
    const logs = await Promise.all(
      ["one", "two"].map(
        async (replica) => new ChangeStore({ database: await openTestPostgres(url), replica, guard: GUARD }),
      ),
    );
    for (let round = 0; round < 20; round++) {
      const caller = newCaller();
      const verdicts = await Promise.all(
        Array.from({ length: 12 }, (_, at) => logs[at % 2]?.begin(intentOf({ caller }), FRESH)),
      );
      const count = (kind: string): number => verdicts.filter((verdict) => verdict?.kind === kind).length;
      expect({ begun: count("BEGUN"), pauses: count("PAUSES"), paused: count("PAUSED") }).toEqual({
        begun: 3,
        pauses: 1,
        paused: 8,
      });
    }
  });
});
