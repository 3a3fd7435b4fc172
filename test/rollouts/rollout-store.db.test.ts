import { sql } from "kysely";
import { beforeAll, describe, expect, test } from "vitest";
import type { Database } from "../../src/database/database.ts";
import { RolloutStore } from "../../src/rollouts/rollout-store.ts";
import { openTestDatabase } from "../support/open-test-database.ts";
import { newRollout } from "./new-rollout.ts";

const IMAGE = JSON.stringify({ login: { phone: false }, action: { phone: false }, asOf: "2026-01-01" });
const SENT = JSON.stringify({ login: { phone: true, stoken: false, wechat: false } });
const PLAN = sql`plan_hash = 'h', planned_at = now(), expires_at = now() + interval '1 day', max_failures = 0`;

describe.each(["postgres", "pglite"] as const)("on %s", (kind) => {
  let database: Database;
  let store: RolloutStore;

  beforeAll(async () => {
    database = await openTestDatabase(kind);
    store = new RolloutStore(database);
  });

  /** A rollout with two items: one to be changed, and one that is blocked. */
  async function withItems(): Promise<string> {
    const { id } = await store.create(newRollout());
    await sql`
      insert into mfa_rollout_item (rollout_id, item, account, op_uin, name, before_image, sent, state, code, wave)
      values (${id}, 1, 'default', '100001', 'Ann', ${IMAGE}::jsonb, ${SENT}::jsonb, 'will_change', null, 1),
        (${id}, 2, 'default', '100002', 'Bob', null, null, 'blocked', 'USER_NOT_BIND_PHONE', null)`.execute(
      database.db,
    );
    return id;
  }

  const set = (id: string, values: ReturnType<typeof sql>) =>
    sql`update mfa_rollout set ${values} where id = ${id}`.execute(database.db);

  const setItems = (id: string, values: ReturnType<typeof sql>) =>
    sql`update mfa_rollout_item set ${values} where rollout_id = ${id}`.execute(database.db);

  test("keeps a rollout as it was requested", async () => {
    const created = await store.create(newRollout({ accounts: ["a", "b"] }));
    expect(created).toMatchObject({
      ...{ status: "planning", name: "Everybody by SMS", reason: "Policy 7", accounts: ["a", "b"] },
      requestedBy: { subject: "local" },
      input: { desired: { login: { phone: true } }, maxFailures: { count: 0 } },
      createdAt: expect.any(Date),
    });
    expect(await store.find(created.id)).toEqual(created);
    expect(await store.list(["a"], undefined, 10, undefined)).toEqual([]);
    expect(await store.list(["a", "b", "c"], "planning", 10, undefined)).toEqual([created]);
    expect(await store.list(["a", "b"], "planning", 10, created.id)).toEqual([]);
  });

  test("finds items by state, code, account and a part of the name", async () => {
    const id = await withItems();
    const found = async (filter: Parameters<RolloutStore["items"]>[1], after?: number) =>
      (await store.items(id, filter, 10, after)).map(({ item }) => item);
    expect(await found({})).toEqual([1, 2]);
    expect(await found({}, 1)).toEqual([2]);
    expect(await found({ states: ["blocked", "applied"] })).toEqual([2]);
    expect(await found({ codes: ["USER_NOT_BIND_PHONE"] })).toEqual([2]);
    expect(await found({ accounts: ["other"] })).toEqual([]);
    expect(await found({ search: "aNN" })).toEqual([1]);
    expect(await found({ search: "0000" })).toEqual([1, 2]);
    expect(await store.counts(id)).toMatchObject({ will_change: 1, blocked: 1, applied: 0 });
  });

  test("takes only the steps of its table, and no plan or request changes", async () => {
    const id = await withItems();
    await expect(set(id, sql`status = 'running'`)).rejects.toThrow("does not become running");
    await expect(set(id, sql`status = 'planned'`)).rejects.toThrow("mfa_rollout_is_planned");
    await set(id, sql`status = 'planned', ${PLAN}`);
    await expect(set(id, sql`plan_hash = 'other'`)).rejects.toThrow("a plan does not change");
    await expect(set(id, sql`reason = 'other'`)).rejects.toThrow("the request of a rollout does not change");
    await expect(set(id, sql`accounts = '{other}'`)).rejects.toThrow("does not change");
    await expect(setItems(id, sql`sent = '{}'`)).rejects.toThrow("the items of a plan stay");
    await expect(setItems(id, sql`wave = 1`)).rejects.toThrow("the items of a plan stay");
    const remove = sql`delete from mfa_rollout_item where rollout_id = ${id}`;
    await expect(remove.execute(database.db)).rejects.toThrow("the items of a plan stay");
    const add = sql`
      insert into mfa_rollout_item (rollout_id, item, op_uin, state) values (${id}, 3, '100003', 'blocked')`;
    await expect(add.execute(database.db)).rejects.toThrow("the items of a plan stay");
    await expect(set(id, sql`status = 'running'`)).rejects.toThrow("mfa_rollout_runs_once_started");
    await set(id, sql`status = 'running', started_at = now()`);
    await setItems(id, sql`state = 'changing', attempt = 1`);
    await set(id, sql`status = 'cancelled', finished_at = now()`);
    await expect(set(id, sql`status = 'running'`)).rejects.toThrow("does not become running");
    await expect(remove.execute(database.db)).rejects.toThrow("the items of a plan stay");
  });

  test("runs with an approval only if another person gave it", async () => {
    const id = await withItems();
    const approvedBy = (person: string) => sql`
      status = 'running', started_at = now(), decision = 'approved', decided_at = now(), decided_by_subject = ${person},
      decided_by_person = ${person}, decision_request_id = 'r'`;
    await set(id, sql`status = 'planned', ${PLAN}`);
    await set(id, sql`status = 'awaiting_approval', approval_requested_at = now()`);
    await expect(set(id, sql`status = 'running', started_at = now()`)).rejects.toThrow(
      "mfa_rollout_needs_approval",
    );
    await expect(set(id, approvedBy("local"))).rejects.toThrow("mfa_rollout_approved_by_another");
    await set(id, approvedBy("bob"));
  });

  test("shows a plan of yesterday as expired, and its items may go once that is noted", async () => {
    const id = await withItems();
    await set(id, sql`status = 'planned', ${PLAN}`);
    expect((await store.find(id))?.status).toBe("planned");
    const old = await withItems();
    const yesterday = sql`plan_hash = 'h', planned_at = now(), expires_at = now() - interval '1 s', max_failures = 0`;
    await set(old, sql`status = 'planned', ${yesterday}`);
    expect((await store.find(old))?.status).toBe("expired");
    expect(await store.list(["default"], "expired", 10, undefined)).toMatchObject([{ id: old }]);
    await set(old, sql`status = 'expired', finished_at = now()`);
    await sql`delete from mfa_rollout_item where rollout_id = ${old}`.execute(database.db);
  });

  test("holds a user in one open rollout", async () => {
    const [one, other] = [await withItems(), await withItems()];
    await setItems(one, sql`held = wave is not null`);
    await expect(setItems(other, sql`held = wave is not null`)).rejects.toThrow("mfa_rollout_item_held");
    await setItems(one, sql`held = false`);
    await setItems(other, sql`held = wave is not null`);
  });
});
