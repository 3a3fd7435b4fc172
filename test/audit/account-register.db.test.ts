import { readFileSync } from "node:fs";
import { sql } from "kysely";
import { beforeEach, describe, expect, test } from "vitest";
import { AccountRegister } from "../../src/audit/account-register.ts";
import { AuditEvents } from "../../src/audit/audit-events.ts";
import { ChangeStore } from "../../src/audit/change-store.ts";
import { verifyDatabase } from "../../src/audit/verify-database.ts";
import type { Database } from "../../src/database/database.ts";
import { openTestDatabase } from "../support/open-test-database.ts";
import { uin } from "../support/start-change-service.ts";
import { APPLIED, FRESH, intentOf } from "./intent-of.ts";

const [HERE, THERE] = [uin("100000000001"), uin("200000000001")];

let database: Database;
let one: AccountRegister;
let two: AccountRegister;

beforeEach(async () => {
  database = await openTestDatabase("postgres");
  one = new AccountRegister(database, "one");
  two = new AccountRegister(database, "two");
});

const events = async () =>
  (await new AuditEvents(database).list({}, 100)).map(({ kind, account, details }) => ({
    event: `${kind} ${account}`,
    details,
  }));
const kinds = async () => (await events()).map(({ event }) => event);

describe("the accounts of a replica", () => {
  const account = (name: string, settings = "first") => ({
    ...{ name, endpoint: `https://${name}.example`, ratePerSecond: 20, settings },
  });
  const [byDefault, prod, stage] = [account("default"), account("prod"), account("stage")];

  test("are recorded when they come, change and go, once for all replicas", async () => {
    await one.note([byDefault, prod]);
    await two.note([prod, byDefault]);
    expect(await kinds()).toEqual(["account_added prod", "account_added default"]);
    await one.note([byDefault, account("prod", "second"), stage]);
    await two.note([byDefault, account("prod", "second"), stage]);
    expect((await events()).slice(0, -2)).toEqual([
      {
        event: "account_added stage",
        details: { endpoint: "https://stage.example", ratePerSecond: 20, settings: "first", replica: "one" },
      },
      {
        event: "account_changed prod",
        details: { endpoint: "https://prod.example", ratePerSecond: 20, settings: "second", replica: "one" },
      },
    ]);
    await two.note([byDefault, stage]);
    await one.note([byDefault, stage]);
    await one.note([byDefault, stage, prod]);
    expect((await kinds()).slice(0, -4)).toEqual(["account_added prod", "account_removed prod"]);
    expect((await verifyDatabase(database.db, undefined)).problem).toBeUndefined();
  });

  test("of the release before, which told names alone, are not recorded as changed", async () => {
    await sql`select note_accounts('{default,prod}', 'before')`.execute(database.db);
    await one.note([byDefault, prod]);
    expect(await kinds()).toHaveLength(2);
    await sql`select note_accounts('{default}', 'before')`.execute(database.db);
    await one.note([byDefault, account("prod", "second")]);
    await one.note([byDefault]);
    expect((await kinds()).slice(0, -2)).toEqual([
      "account_removed prod",
      "account_added prod",
      "account_removed prod",
    ]);
  });
});

describe("the name of an account", () => {
  /** The statement on the operators' page. */
  const rebind = /select rebind_account\('partner', '200000000001'\)/.exec(
    readFileSync("docs/operators/accounts.md", "utf8"),
  )?.[0];

  test("is bound to the first main account of any replica, on record", async () => {
    const bound = await Promise.all([one.bind("partner", HERE), two.bind("partner", HERE)]);
    expect(bound).toEqual([HERE, HERE]);
    expect(await two.bind("partner", THERE)).toBe(HERE);
    expect(await events()).toEqual([
      { event: "account_bound partner", details: { ownerUin: HERE, replica: expect.any(String) } },
    ]);
  });

  test("is bound while a replica notes many new accounts", async () => {
    const names = Array.from({ length: 30 }, (_, at) => `account-${at}`);
    const accounts = names.map((name) => ({
      name,
      endpoint: undefined,
      ratePerSecond: 20,
      settings: "first",
    }));
    const bound = await Promise.all([one.note(accounts), ...names.map((name) => two.bind(name, HERE))]);
    expect(bound.slice(1)).toEqual(names.map(() => HERE));
    expect(await kinds()).toHaveLength(2 * names.length);
  });

  test("stays bound while no such account is configured", async () => {
    const account = { name: "partner", endpoint: undefined, ratePerSecond: 20, settings: "first" };
    await one.note([account]);
    await one.bind("partner", HERE);
    await one.note([]);
    await one.note([account]);
    expect(await one.bind("partner", THERE)).toBe(HERE);
  });

  test("is bound again by the owner of the schema alone, on record, and not while a change is open", async () => {
    await one.bind("partner", HERE);
    const again = () => sql.raw(rebind ?? "").execute(database.db);
    const log = new ChangeStore({ database, replica: "one" });
    const { id } = await log.begin(intentOf({ account: "partner" }), FRESH);
    await expect(again()).rejects.toMatchObject({ code: "55006" });
    await log.settle(id, APPLIED);
    await again();
    expect(await one.bind("partner", HERE)).toBe(THERE);
    expect((await events())[0]).toEqual({
      event: "account_bound partner",
      details: { ownerUin: THERE, before: HERE },
    });
    await expect(
      sql`select rebind_account('other', '200000000001')`.execute(database.db),
    ).rejects.toMatchObject({
      code: "P0002",
    });
    const isPublic = await sql<{ granted: boolean }>`
      select has_function_privilege('public', 'rebind_account(text, text)', 'execute') as granted`.execute(
      database.db,
    );
    expect(isPublic.rows).toEqual([{ granted: false }]);
  });
});

test("a request for approval that expired is settled without its account, and one that waits is not", async () => {
  const log = new ChangeStore({ database, replica: "one" });
  const ask = (account: string, approvalMs: number) =>
    log.begin(intentOf({ account, approvalMs }), FRESH).then(({ id }) => id);
  const ids = [await ask("gone", 0), await ask("gone-too", 60_000), await ask("default", 0)];
  await log.expireApprovals(["default"]);
  const statuses = await Promise.all(ids.map(async (id) => (await log.find(id))?.status));
  expect(statuses).toEqual(["refused", "awaiting_approval", "awaiting_approval"]);
  expect((await log.countOrphaned(["default"])).size).toBe(0);
});
