import { sql } from "kysely";
import { beforeAll, describe, expect, test } from "vitest";
import { ChangeStore } from "../../src/audit/change-store.ts";
import type { ListedUser } from "../../src/cam/index.ts";
import type { Uin } from "../../src/contract/index.ts";
import type { Database } from "../../src/database/database.ts";
import { readClock, writeList, writeProfiles, writeProtections } from "../../src/directory/user-writes.ts";
import { APPLIED, FRESH, intentOf, newUin } from "../audit/intent-of.ts";
import { openTestDatabase } from "../support/open-test-database.ts";
import { flagsWith, readOf } from "./read-of.ts";

describe.each(["postgres", "pglite"] as const)("the directory in %s", (kind) => {
  let database: Database;
  let log: ChangeStore;

  beforeAll(async () => {
    database = await openTestDatabase(kind);
    log = new ChangeStore({ database, replica: "replica-1" });
  });

  async function userOf(opUin: string, account = "default") {
    const { rows } = await sql<Record<string, unknown>>`
      select *, extract(epoch from protections_as_of)::float8 * 1000 as as_of_ms from directory_user
      where account = ${account} and op_uin = ${opUin}`.execute(database.db);
    return rows[0];
  }

  const listed = (uin: string, more: Partial<ListedUser> = {}): ListedUser => ({
    ...{ uin: uin as Uin, name: `name-${uin}`, remark: undefined, consoleLogin: true },
    ...{ createTime: "2024-01-01 08:00:00", hasPhone: true, hasEmail: false },
    ...more,
  });

  /** Settles a change of the user from stoken to phone. */
  async function change(opUin: Uin, status: "applied" | "unknown"): Promise<string> {
    const before = { login: flagsWith("phone"), action: flagsWith() };
    const sent = { login: { phone: false, stoken: true, wechat: false } };
    const { id } = await log.begin(intentOf({ opUin, before, sent }), FRESH);
    await log.settle(id, { ...APPLIED, status });
    return id;
  }

  test("a newer read replaces an older one, in any order of arrival", async () => {
    const uin = newUin();
    await writeProtections(database, [readOf(uin, 2_000, "phone")], "SCAN");
    await writeProtections(database, [readOf(uin, 1_000, "stoken")], "READ");
    expect(await userOf(uin)).toMatchObject({
      login_methods: 1,
      strength: 1,
      source: "SCAN",
      as_of_ms: 2_000,
    });
    await writeProtections(database, [readOf(uin, 3_000, "stoken")], "READ");
    expect(await userOf(uin)).toMatchObject({
      login_methods: 4,
      strength: 3,
      source: "READ",
      as_of_ms: 3_000,
    });
  });

  test.each([
    [[], 0],
    [["phone", "passkey"], 1],
    [["wechat"], 2],
    [["mail"], 2],
    [["custom"], 3],
    [["token"], 4],
    [["u2fToken"], 4],
  ] as const)(
    "the strength of the login methods %j is %i: the weakest one counts",
    async (methods, strength) => {
      const uin = newUin();
      await writeProtections(database, [readOf(uin, 1_000, ...methods)], "SCAN");
      expect(await userOf(uin)).toMatchObject({ strength });
    },
  );

  test("a method that CAM does not report is neither on nor off", async () => {
    const uin = newUin();
    const read = readOf(uin, 1_000, "phone");
    await writeProtections(database, [{ ...read, login: { ...read.login, passkey: undefined } }], "SCAN");
    expect(await userOf(uin)).toMatchObject({
      login_methods: 1,
      login_unreported: 128,
      action_unreported: 0,
    });
  });

  test("an applied change shows at once, and no read of the minute after it overwrites it", async () => {
    const uin = newUin();
    await writeProtections(database, [readOf(uin, 1_000, "phone")], "SCAN");
    await change(uin, "applied");
    const changed = await userOf(uin);
    expect(changed).toMatchObject({ source: "CHANGE", strength: 3, login_methods: 4, gone_at: null });
    const nowMs = await readClock(database);
    await writeProtections(database, [readOf(uin, nowMs, "phone")], "READ");
    await writeProtections(database, [readOf(uin, nowMs + 58_000, "phone")], "READ");
    expect(await userOf(uin)).toEqual(changed);
    await writeProtections(database, [readOf(uin, nowMs + 61_000, "phone")], "READ");
    expect(await userOf(uin)).toMatchObject({ source: "READ", strength: 1 });
  });

  test("after an unknown outcome the protections are unknown, until the outcome is known", async () => {
    const uin = newUin();
    await writeProtections(database, [readOf(uin, 1_000, "phone")], "SCAN");
    const id = await change(uin, "unknown");
    expect(await userOf(uin)).toMatchObject({ strength: null, protections_as_of: null, source: null });
    await writeProtections(database, [readOf(uin, await readClock(database), "phone")], "READ");
    expect(await userOf(uin)).toMatchObject({ strength: null });
    await log.settle(id, APPLIED);
    expect(await userOf(uin)).toMatchObject({ source: "CHANGE", strength: 3 });
  });

  test("after a refusal that ends an unknown outcome, reads count again", async () => {
    const uin = newUin();
    await writeProtections(database, [readOf(uin, 1_000, "phone")], "SCAN");
    const id = await change(uin, "unknown");
    await log.settle(id, { ...APPLIED, status: "refused", code: "OUTCOME_UNKNOWN" });
    await writeProtections(database, [readOf(uin, (await readClock(database)) + 1, "phone")], "READ");
    expect(await userOf(uin)).toMatchObject({ source: "READ", strength: 1 });
  });

  test("two complete lists without a user make the user gone, and a list with the user brings them back", async () => {
    const account = `gone-${kind}`;
    const list = (asOfMs: number, users: readonly ListedUser[], isComplete = true) =>
      writeList(database, account, { users, isComplete, asOfMs });
    await list(1_000, [listed("1"), listed("2")]);
    await list(2_000, [listed("1")]);
    expect(await userOf("2", account)).toMatchObject({ missing: 1, gone_at: null });
    // Half a list, with an entry that cannot be used, says nothing about other users.
    await list(3_000, [listed("1")], false);
    expect(await userOf("2", account)).toMatchObject({ missing: 1, gone_at: null });
    await list(4_000, [listed("1")]);
    expect(await userOf("2", account)).toMatchObject({ missing: 2, gone_at: expect.any(Date) });
    await list(5_000, [listed("2")]);
    expect(await userOf("2", account)).toMatchObject({ missing: 0, gone_at: null });
    expect(await userOf("1", account)).toMatchObject({ missing: 1 });
  });

  test("a user who was read or changed after a list began is not missing in it", async () => {
    const uin = newUin();
    await writeProtections(database, [readOf(uin, 9_000, "phone")], "READ");
    await writeList(database, "default", { users: [], isComplete: true, asOfMs: 8_000 });
    expect(await userOf(uin)).toMatchObject({ missing: 0 });
  });

  test("hostile names are kept as text, without what PostgreSQL cannot store", async () => {
    const name = `<img src=x onerror=alert(1)> =HYPERLINK("x") \u0000\ud800'; drop table directory_user; --`;
    await writeList(database, "default", {
      users: [listed("18446744073709551615", { name }), listed("7", { name: undefined })],
      isComplete: false,
      asOfMs: 1_000,
    });
    expect(await userOf("18446744073709551615")).toMatchObject({
      name: `<img src=x onerror=alert(1)> =HYPERLINK("x") \ufffd'; drop table directory_user; --`,
      has_phone: true,
      has_email: false,
    });
    expect(await userOf("7")).toMatchObject({ name: null, search: " 7 " });
  });

  test("a text that is too long for an index is kept by its beginning", async () => {
    // The last character is half of a pair.
    const users = [listed("9", { name: `${"漢".repeat(299)}😀`, remark: "字".repeat(9_000) })];
    await writeList(database, "default", { users, isComplete: false, asOfMs: 1_000 });
    expect(await userOf("9")).toMatchObject({ name: `${"漢".repeat(299)}\ufffd`, remark: "字".repeat(300) });
  });

  test("a profile adds type and last login, and an older one changes nothing", async () => {
    const profile = {
      ...{ uin: "8" as Uin, name: "eight", uid: undefined, remark: "r", userType: 2, lastLoginIp: undefined },
      ...{ createTime: "2024-01-01 08:00:00", lastLoginTime: "2026-01-01 00:00:00" },
    };
    const write = (asOfMs: number, lastLoginTime: string | undefined) =>
      writeProfiles(database, [{ account: "default", profile: { ...profile, lastLoginTime }, asOfMs }]);
    await write(2_000, "2026-01-01 00:00:00");
    await write(1_000, undefined);
    expect(await userOf("8")).toMatchObject({
      user_type: 2,
      last_login: "2026-01-01 00:00:00",
      strength: null,
    });
    await write(3_000, undefined);
    expect(await userOf("8")).toMatchObject({ last_login: null, logins_as_of: expect.any(Date) });
  });
});
