import { beforeAll, describe, expect, test } from "vitest";
import { ApprovalStore } from "../../src/audit/approval-store.ts";
import { ChangeStore } from "../../src/audit/change-store.ts";
import { atOneMoment, readRecords } from "../../src/audit/read-record.ts";
import { verifyDatabase } from "../../src/audit/verify-database.ts";
import type { Database } from "../../src/database/database.ts";
import { openTestDatabase } from "../support/open-test-database.ts";
import { rewriteRecord } from "../support/rewrite-record.ts";
import { TEST_MACS } from "../support/signing-key.ts";
import { APPLIED, FRESH, intentOf, newUin, OLD } from "./intent-of.ts";

const guard = { users: 2, withinMs: 60_000 };

describe.each(["postgres", "pglite"] as const)("on %s", (kind) => {
  let database: Database;
  let log: ChangeStore;

  beforeAll(async () => {
    database = await openTestDatabase(kind);
    log = new ChangeStore({ database, replica: "replica-1", requestMacs: TEST_MACS });
  });

  test("an open change of a Uin in one account does not block changes in another account", async () => {
    const intent = intentOf();
    const { id } = await log.begin(intent, FRESH);
    const other = await log.begin({ ...intent, account: "partner" }, FRESH);
    expect(other).toEqual({ kind: "BEGUN", id: expect.not.stringMatching(id) });
    expect(await log.begin({ ...intent, account: "partner" }, FRESH)).toEqual({ kind: "JOIN", id: other.id });
    expect(await log.begin({ ...intent, requestHash: "hash-b" }, FRESH)).toEqual({ kind: "BUSY", id });
  });

  test("a change in one account makes no before-image in another account stale, and supersedes no change there", async () => {
    const opUin = newUin();
    const { id } = await log.begin(intentOf({ opUin }), FRESH);
    await log.settle(id, APPLIED);
    const later = await log.begin(intentOf({ opUin, account: "partner" }), OLD);
    expect(later.kind).toBe("BEGUN");
    const record = await log.find(id);
    if (record === undefined) throw new Error("The change is not on record.");
    expect(await log.otherWrites(record)).toEqual({ later: [], earlier: [] });
    expect((await log.begin(intentOf({ opUin }), OLD)).kind).toBe("STALE");
  });

  test("an approval counts only for the account of its change", async () => {
    const opUin = newUin();
    const awaiting = await log.begin(intentOf({ opUin, account: "partner", approvalMs: 60_000 }), FRESH);
    expect(awaiting.kind).toBe("AWAITING");
    await log.begin(intentOf({ opUin }), FRESH);
    const approvals = new ApprovalStore({ database, replica: "replica-1", requestMacs: TEST_MACS });
    const approval = {
      by: { subject: "bob", client: undefined, issuer: undefined },
      gatewayRequestId: "request-2",
      reason: undefined,
      before: {},
      sent: {},
      leaseMs: 60_000,
    };
    // The open change of the default account's user does not block it.
    expect(await approvals.approve(awaiting.id, approval, FRESH)).toEqual({ kind: "BEGUN", id: awaiting.id });
    expect(await log.begin(intentOf({ opUin, account: "partner", requestHash: "b" }), FRESH)).toEqual({
      kind: "BUSY",
      id: awaiting.id,
    });
  });

  test("the bulk guard counts one Uin in two accounts as two users", async () => {
    const guarded = new ChangeStore({ database, replica: "replica-1", guard });
    const opUin = newUin();
    const caller = { subject: `guarded-${opUin}`, client: undefined, issuer: undefined };
    const begin = (account: string) => guarded.begin(intentOf({ opUin, account, caller }), FRESH);
    expect((await begin("default")).kind).toBe("BEGUN");
    expect((await begin("partner")).kind).toBe("BEGUN");
    expect((await begin("third")).kind).toBe("PAUSES");
  });

  test("replicas claim, list and count only the changes of their own accounts", async () => {
    const opUin = newUin();
    const [account, gone] = [`account-${opUin}`, `gone-${opUin}`];
    const { id } = await log.begin(intentOf({ opUin, account, leaseMs: -1 }), FRESH);
    const left = await log.begin(intentOf({ opUin, account: gone, leaseMs: -1 }), FRESH);
    const taken = await log.claim(account, 10, -1);
    expect(taken).toMatchObject([{ id, account, opUin }]);
    expect(await log.list({ account }, 10)).toMatchObject([{ id }]);
    const counts = await log.countOrphaned(["default", account]);
    expect(counts.get(gone)).toBe(1);
    expect(counts.has(account)).toBe(false);
    expect(await log.find(left.id)).toMatchObject({ status: "pending", account: gone, seq: undefined });
  });

  test("the account is sealed: a record that is moved to another account does not verify", async () => {
    const { id } = await log.begin(intentOf({ account: "partner" }), FRESH);
    await log.settle(id, APPLIED);
    const contents: string[] = [];
    for await (const { content } of readRecords(database.db, "account:partner", 0)) contents.push(content);
    expect(JSON.parse(contents.at(-1) ?? "")).toMatchObject({ id, account: "partner" });
    await rewriteRecord(database, async (db) => {
      await db.updateTable("mfa_change").set({ account: "default" }).where("id", "=", id).execute();
    });
    const report = await atOneMoment(database.db, (moment) => verifyDatabase(moment, undefined));
    expect(report.problem).toMatchObject({
      ...{ chain: "account:partner", id },
      reason: "its stored account differs from the sealed content",
    });
  });
});
