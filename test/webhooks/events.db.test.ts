import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { ChangeStore } from "../../src/audit/change-store.ts";
import { RequestMacs } from "../../src/audit/request-macs.ts";
import type { Database } from "../../src/database/database.ts";
import { ScanStore } from "../../src/directory/scan-store.ts";
import { writeProtections } from "../../src/directory/user-writes.ts";
import { RolloutStore } from "../../src/rollouts/rollout-store.ts";
import type { EventType } from "../../src/webhooks/receiver.ts";
import { FRESH, intentOf, newUin } from "../audit/intent-of.ts";
import { readOf } from "../directory/read-of.ts";
import { newRollout } from "../rollouts/new-rollout.ts";
import { createGatewayRole } from "../support/gateway-role.ts";
import { createTestPostgres, openTestDatabase, openTestPostgres } from "../support/open-test-database.ts";
import { entryOf, openReplica } from "./open-replica.ts";
import { type StartedReceiver, startReceiver } from "./start-receiver.ts";

const ISO_TIME = expect.stringMatching(/^20\d\d-\d\d-\d\dT[\d:.]+Z$/);

describe.each(["postgres", "pglite"] as const)("an event in %s, with the rights of the gateway", (kind) => {
  let database: Database;
  let receiver: StartedReceiver;
  let log: ChangeStore;

  beforeAll(async () => {
    database =
      kind === "pglite"
        ? await openTestDatabase("pglite")
        : await openTestPostgres(await createGatewayRole(await createTestPostgres()));
    const guard = { users: 2, withinMs: 600_000 };
    log = new ChangeStore({
      database,
      replica: "replica-1",
      guard,
      requestMacs: RequestMacs.ofSecret(Buffer.alloc(32)),
    });
  });
  beforeEach(async () => {
    receiver = await startReceiver();
  });

  /** Returns the only event of a type that the work causes. */
  async function eventOf(type: EventType, work: () => Promise<unknown>) {
    const entry = entryOf(receiver, { events: [type] });
    const { deliver } = await openReplica(database, [entry]);
    await work();
    await deliver(entry.name);
    expect(receiver.got).toHaveLength(1);
    const [{ event }] = receiver.got as [StartedReceiver["got"][number]];
    expect(event).toMatchObject({ type, timestamp: ISO_TIME });
    return event.data;
  }

  test("approval.requested says who asks for what, and until when", async () => {
    const opUin = newUin();
    const intent = intentOf({
      opUin,
      approvalMs: 60_000,
      caller: { subject: "bob", client: "portal", issuer: undefined },
    });
    let changeId = "";
    const data = await eventOf("approval.requested", async () => {
      await log.begin(intentOf({ caller: intent.caller }), FRESH);
      ({ id: changeId } = await log.begin(intent, FRESH));
    });
    expect(data).toEqual({
      ...{ changeId, account: "default", opUin, reason: "The phone was lost.", expiresAt: ISO_TIME },
      requested: { login: { phone: true }, overwriteOtherMethods: false },
      requestedBy: { subject: "bob", client: "portal", issuer: null },
    });
  });

  test("caller.paused names the caller and the limit", async () => {
    const caller = { subject: randomUUID(), client: "script", issuer: "https://issuer.example" };
    const opUin = newUin();
    const data = await eventOf("caller.paused", async () => {
      for (const uin of [newUin(), newUin(), opUin, newUin()])
        await log.begin(intentOf({ caller, opUin: uin, account: "partner" }), FRESH);
    });
    expect(data).toEqual({
      ...{ account: "partner", subject: caller.subject, issuer: caller.issuer, users: 3, withinMinutes: 10 },
      ...{ pauseId: expect.stringMatching(/^[0-9a-f-]{36}$/), opUin },
    });
  });

  test("drift.found has both images", async () => {
    const opUin = newUin();
    const data = await eventOf("drift.found", async () => {
      await writeProtections(database, [readOf(opUin, 1_000, "stoken", "mail")], "SCAN");
      await writeProtections(database, [readOf(opUin, 2_000)], "SCAN");
      await writeProtections(database, [readOf(opUin, 62_000)], "SCAN");
    });
    const none = { phone: false, token: false, stoken: false, wechat: false, custom: false, mail: false };
    const off = { ...none, u2fToken: false, passkey: false };
    expect(data).toEqual({
      ...{ driftId: expect.stringMatching(/^\d+$/), account: "default", opUin },
      firstSeenAt: "1970-01-01T00:00:02.000000Z",
      before: { login: { ...off, stoken: true, mail: true }, action: off },
      after: { login: off, action: off },
    });
  });

  test("scan.finished counts the users", async () => {
    const store = new ScanStore(database, "replica-1");
    const account = `account-${randomUUID().slice(0, 8)}`;
    const data = await eventOf("scan.finished", async () => {
      await store.request(account);
      await store.lease(account, 0);
      await store.saveListed(account, 12, Date.now());
      await store.saveProgress(account, { readUsers: 11, calls: 13 });
      await store.finish(account, 60_000, 60_000);
    });
    expect(data).toEqual({
      ...{ account, startedAt: ISO_TIME, finishedAt: ISO_TIME },
      ...{ users: 12, readUsers: 11, failedUsers: 0, calls: 13 },
    });
  });

  test("of a rollout says what became of it, to receivers of all its accounts", async () => {
    const store = new RolloutStore(database);
    const partial = await startReceiver();
    const entries = [entryOf(receiver, { accounts: ["a", "b", "c"] }), entryOf(partial, { accounts: ["a"] })];
    const { deliver } = await openReplica(database, entries);
    const { id } = await store.create(newRollout({ accounts: ["a", "b"] }));
    const set = (values: ReturnType<typeof sql>) =>
      sql`update mfa_rollout set ${values} where id = ${id}`.execute(database.db);
    await set(
      sql`status = 'planned', plan_hash = 'h', planned_at = now(), expires_at = now() + interval '1 day', max_failures = 0`,
    );
    await set(sql`status = 'running', started_at = now()`);
    await set(sql`status = 'paused', code = 'CAM_THROTTLED', hint = 'CAM throttles.'`);
    await set(sql`status = 'running', code = null, hint = null`);
    await set(sql`status = 'done', finished_at = now()`);
    for (const { name } of entries) await deliver(name);
    expect(receiver.got.map(({ event }) => event.type)).toEqual([
      ...["rollout.started", "rollout.paused", "rollout.finished"],
    ]);
    expect(receiver.got[1]?.event.data).toMatchObject({
      ...{ accounts: ["a", "b"], rolloutId: id, name: "Everybody by SMS", reason: "Policy 7", planHash: "h" },
      ...{ plannedBy: { subject: "local" }, code: "CAM_THROTTLED", hint: "CAM throttles.", undoOf: null },
    });
    expect(partial.got).toEqual([]);
  });

  test("is gone with the transaction of its cause", async () => {
    const entry = entryOf(receiver);
    const { deliver } = await openReplica(database, [entry]);
    const aborted = database.db.transaction().execute(async (trx) => {
      await new ScanStore({ ...database, db: trx }, "replica-1").request("aborted");
      await sql`update directory_scan set finished_at = clock_timestamp() where account = 'aborted'`.execute(
        trx,
      );
      throw new Error("The transaction fails.");
    });
    await expect(aborted).rejects.toThrow("The transaction fails.");
    await deliver(entry.name);
    expect(receiver.got).toEqual([]);
  });
});
