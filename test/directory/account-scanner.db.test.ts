import { sql } from "kysely";
import { beforeAll, describe, expect, test, vi } from "vitest";
import type { Database } from "../../src/database/database.ts";
import { openTestDatabase } from "../support/open-test-database.ts";
import { ALICE, BOB, MAX } from "../support/seed-users.ts";
import { openScanner } from "./open-scanner.ts";

const READ = "DescribeSafeAuthFlagColl";

describe.each(["postgres", "pglite"] as const)("a scan into %s", (kind) => {
  let database: Database;

  beforeAll(async () => {
    database = await openTestDatabase(kind);
  });

  // PGlite runs the same statements, more slowly.
  const testOnce = kind === "postgres" ? test : test.skip;

  async function usersOf(account: string) {
    const { rows } = await sql<Record<string, unknown>>`
      select * from directory_user where account = ${account} order by op_uin`.execute(database.db);
    return rows;
  }

  const userOf = async (account: string, uin: string) =>
    (await usersOf(account)).find(({ op_uin }) => op_uin === uin);

  /** Makes everything that a scan knows older than the time for which knowledge is fresh. */
  async function age(account: string): Promise<void> {
    await sql`
      update directory_user set protections_as_of = protections_as_of - interval '1 day',
        logins_as_of = logins_as_of - interval '1 day', profile_as_of = profile_as_of - interval '1 day'
      where account = ${account}`.execute(database.db);
    await sql`
      update directory_scan set listed_at = listed_at - interval '1 day', due_at = clock_timestamp()
      where account = ${account}`.execute(database.db);
  }

  test("reads every user once, and a repeat while the knowledge is fresh makes no call", async () => {
    const account = await openScanner(database);
    expect(await account.state()).toMatchObject({ status: "NEVER", users: 0 });
    await account.makeDue();
    expect(await account.scanner().scan()).toEqual({ kind: "FINISHED" });
    expect(account.takeCalls()).toEqual({ ListUsers: 1, DescribeSubAccounts: 2, [READ]: 60 });
    expect(await account.state()).toMatchObject({
      ...{ status: "DONE", users: 60, readUsers: 60, failedUsers: 0, calls: 63 },
      finishedAt: expect.any(Date),
    });
    expect(await userOf(account.name, ALICE)).toMatchObject({
      ...{ name: "alice", console_login: true, has_phone: true, has_email: true, user_type: 2 },
      ...{
        login_methods: 4,
        action_methods: 0,
        strength: 3,
        source: "SCAN",
        last_login: "2026-11-02 09:15:00",
      },
    });
    expect(await userOf(account.name, MAX)).toMatchObject({ strength: 2 });
    await account.makeDue();
    expect(await account.scanner().scan()).toEqual({ kind: "FINISHED" });
    expect(account.takeCalls()).toEqual({});
    expect(await account.state()).toMatchObject({ status: "DONE", users: 60, calls: 0 });
  });

  testOnce(
    "makes the users of a removed account gone, erases them later, and finds them again if it returns",
    async () => {
      const account = await openScanner(database, { users: 10 });
      await account.makeDue();
      await account.scanner().scan();
      const gone = async () => (await usersOf(account.name)).map(({ gone_at }) => gone_at !== null);

      await account.store.forgetRemoved([account.name], 0);
      await sql`insert into noted_account (account) values (${account.name})`.execute(database.db);
      await account.store.forgetRemoved([], 0);
      expect(await gone()).toEqual(Array(10).fill(false));

      await sql`delete from noted_account where account = ${account.name}`.execute(database.db);
      await account.store.forgetRemoved([], 86_400_000);
      expect(await gone()).toEqual(Array(10).fill(true));
      await age(account.name);
      await account.scanner().scan();
      expect(await gone()).toEqual(Array(10).fill(false));

      await account.store.forgetRemoved([], 86_400_000);
      await account.store.forgetRemoved([], 0);
      expect(await usersOf(account.name)).toEqual([]);
    },
  );

  testOnce("sees an edit in the console at the next interval, and erases nobody", async () => {
    const account = await openScanner(database, { users: 10, listAction: "ListAccounts" });
    await account.makeDue();
    await account.scanner().scan();
    account.emulator.control.putUser({ uin: BOB, loginFlag: { Passkey: 1 }, phone: "13800000000" });
    await age(account.name);
    account.takeCalls();
    expect(await account.scanner().scan()).toEqual({ kind: "FINISHED" });
    expect(account.takeCalls()).toEqual({ ListAccounts: 1, DescribeSubAccounts: 1, [READ]: 10 });
    expect(await userOf(account.name, BOB)).toMatchObject({ strength: 4, has_phone: true });
  });

  testOnce("reads a user who was edited in the console again after a minute, and reports drift", async () => {
    const account = await openScanner(database, { users: 10 });
    await account.makeDue();
    await account.scanner().scan();
    account.emulator.control.putUser({ uin: ALICE, loginFlag: { Stoken: 0 } });
    await age(account.name);
    await account.scanner().scan();
    expect(account.drifted).toEqual([]);
    const { dueAt } = (await account.state()) ?? {};
    expect(dueAt?.getTime()).toBeLessThan(Date.now() + 62_000);
    // A minute later.
    await sql`
      update directory_user set differs_since = differs_since - interval '61 seconds',
        protections_as_of = protections_as_of - interval '61 seconds'
      where account = ${account.name} and differs_since is not null`.execute(database.db);
    await account.makeDue();
    account.takeCalls();
    expect(await account.scanner().scan()).toEqual({ kind: "FINISHED" });
    expect(account.takeCalls()).toEqual({ [READ]: 1 });
    expect(account.drifted).toEqual([ALICE]);
    expect((await account.state())?.dueAt?.getTime()).toBeGreaterThan(Date.now() + 600_000);
  });

  testOnce("continues at the user where a process was killed, and reads no user twice", async () => {
    const account = await openScanner(database);
    await account.makeDue();
    // CAM stops to answer after 20 users, and the process never writes again.
    account.emulator.control.addFault({ kind: "silence", action: READ, skip: 20 });
    const killed = account.scanner("killed");
    const running = killed.scan();
    await vi.waitFor(async () => expect(await account.state()).toMatchObject({ readUsers: 20 }), 10_000);
    expect(await account.scanner().scan()).toEqual({ kind: "BUSY" });
    await sql`
      update directory_scan set lease_until = clock_timestamp(), lease_owner = 'nobody'
      where account = ${account.name}`.execute(database.db);
    // Its calls end with the process.
    killed.stop();
    expect(await running).toEqual({ kind: "STOPPED" });
    account.emulator.control.clearFaults();
    const users = await usersOf(account.name);
    const known = users.filter(({ strength }) => strength !== null).map(({ op_uin }) => op_uin);
    expect(known.length).toBeGreaterThanOrEqual(20);
    account.emulator.control.clearJournal();
    expect(await account.scanner().scan()).toEqual({ kind: "FINISHED" });
    const again = account.emulator.control.journal({ action: READ }).flatMap(({ opUins }) => opUins);
    expect(again.filter((uin) => known.includes(uin))).toEqual([]);
    expect(await account.state()).toMatchObject({ status: "DONE", readUsers: 60 });
  });

  testOnce("stops when a person pauses it, and continues when the person resumes it", async () => {
    const account = await openScanner(database);
    await account.makeDue();
    account.emulator.control.addFault({ kind: "delay", delayMs: 200, action: READ, skip: 10 });
    const running = account.scanner().scan();
    await vi.waitFor(async () => expect(await account.state()).toMatchObject({ status: "RUNNING" }), 10_000);
    await account.store.pause(account.name, "olga");
    expect(await running).toEqual({ kind: "STOPPED" });
    expect(await account.state()).toMatchObject({ status: "PAUSED", pausedBy: "olga" });
    expect(await account.scanner().scan()).toEqual({ kind: "BUSY" });
    account.emulator.control.clearFaults();
    await account.store.resume(account.name);
    expect(await account.scanner().scan()).toEqual({ kind: "FINISHED" });
    expect(await account.state()).toMatchObject({ status: "DONE", readUsers: 60 });
  });

  testOnce("a user deleted during the scan does not stop it, and is gone after two lists", async () => {
    const account = await openScanner(database, { users: 12 });
    await account.makeDue();
    account.emulator.control.addFault({
      ...{ kind: "camError", code: "ResourceNotFound.UserNotExist", action: READ, opUin: ALICE },
    });
    expect(await account.scanner().scan()).toEqual({ kind: "FINISHED" });
    expect(await account.state()).toMatchObject({ users: 12, readUsers: 11, failedUsers: 1 });
    expect(await userOf(account.name, ALICE)).toMatchObject({ strength: null, gone_at: null });
    account.emulator.control.deleteUser(ALICE);
    for (const missing of [1, 2]) {
      await age(account.name);
      expect(await account.scanner().scan()).toEqual({ kind: "FINISHED" });
      expect(await userOf(account.name, ALICE)).toMatchObject({ missing });
    }
    expect(await userOf(account.name, ALICE)).toMatchObject({ gone_at: expect.any(Date) });
    // The configured time later.
    await sql`update directory_user set gone_at = gone_at - interval '2 days' where op_uin = ${ALICE}`.execute(
      database.db,
    );
    await age(account.name);
    await account.scanner().scan();
    expect(await userOf(account.name, ALICE)).toBeUndefined();
  });

  testOnce(
    "a user created during the scan does not disturb it, and is known after the next one",
    async () => {
      const account = await openScanner(database, { users: 12 });
      await account.makeDue();
      account.emulator.control.addFault({ kind: "delay", delayMs: 200, action: READ });
      const running = account.scanner().scan();
      const reads = () => account.emulator.control.journal({ action: READ });
      await vi.waitFor(() => expect(reads()).not.toEqual([]), 10_000);
      const { uin } = account.emulator.control.putUser({ uin: "100021960099", name: "newcomer" });
      expect(await running).toEqual({ kind: "FINISHED" });
      expect(await usersOf(account.name)).toHaveLength(12);
      account.emulator.control.clearFaults();
      await age(account.name);
      expect(await account.scanner().scan()).toEqual({ kind: "FINISHED" });
      expect(await userOf(account.name, uin)).toMatchObject({ name: "newcomer", strength: 0 });
    },
  );

  testOnce("a full database ends the scan, which continues once there is room", async () => {
    const account = await openScanner(database, { users: 12 });
    await account.makeDue();
    await sql
      .raw(`
        create function refuse() returns trigger language plpgsql as
          $$ begin raise exception 'could not extend file' using errcode = '53100'; end $$;
        create trigger is_full before insert or update on directory_user
          for each row when (new.account = '${account.name}') execute function refuse()`)
      .execute(database.db);
    await expect(account.scanner().scan()).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await sql`drop function refuse cascade`.execute(database.db);
    await sql`update directory_scan set lease_until = clock_timestamp() where account = ${account.name}`.execute(
      database.db,
    );
    expect(await account.scanner().scan()).toEqual({ kind: "FINISHED" });
    expect(await account.state()).toMatchObject({ status: "DONE", users: 12, readUsers: 12 });
  });

  testOnce(
    "after the database's clock was set back by a day, the next scan does not wait for a day",
    async () => {
      const account = await openScanner(database, { users: 12 });
      await account.makeDue();
      await account.scanner().scan();
      await sql`
      update directory_scan set lease_owner = 'killed', lease_until = clock_timestamp() + interval '1 day',
        started_at = started_at + interval '1 day', finished_at = finished_at + interval '1 day',
        due_at = due_at + interval '1 day'
      where account = ${account.name}`.execute(database.db);
      expect(await account.store.findDue([account.name], 0)).toEqual([account.name]);
      await sql`update directory_scan set listed_at = null where account = ${account.name}`.execute(
        database.db,
      );
      account.emulator.control.addFault({
        ...{ kind: "camError", code: "UnauthorizedOperation", action: "ListUsers" },
      });
      expect(await account.scanner().scan()).toMatchObject({ kind: "FAILED" });
      expect(await account.scanner().scan(), "waits after a fault").toEqual({ kind: "BUSY" });
      account.emulator.control.clearFaults();
      await account.makeDue();
      expect(await account.scanner().scan()).toEqual({ kind: "FINISHED" });
      const { finishedAt } = (await account.state()) ?? {};
      expect(finishedAt?.getTime()).toBeLessThan(Date.now() + 60_000);
      expect(await account.scanner().scan()).toEqual({ kind: "BUSY" });
    },
  );

  testOnce.each(["half", "repeated", "zeroUin", "nameless"] as const)(
    "copes with a list that is %s",
    async (oddity) => {
      const account = await openScanner(database, { users: 10 });
      await account.makeDue();
      account.emulator.control.addFault({ kind: "oddList", oddity, times: 1 });
      expect(await account.scanner().scan()).toEqual({ kind: "FINISHED" });
      const users = await usersOf(account.name);
      expect(users).toHaveLength({ half: 5, repeated: 10, zeroUin: 9, nameless: 10 }[oddity]);
      expect(users.every(({ gone_at, strength }) => gone_at === null && strength !== null)).toBe(true);
    },
  );

  testOnce.each(["ListUsers", "DescribeSubAccounts", READ] as const)(
    "names the action %s if the key may not use it, and makes few calls",
    async (action) => {
      const account = await openScanner(database);
      await account.makeDue();
      account.emulator.control.addFault({ kind: "camError", code: "UnauthorizedOperation", action });
      expect(await account.scanner().scan()).toMatchObject({
        kind: "FAILED",
        fault: { code: "CAM_PERMISSION_DENIED", camCode: "UnauthorizedOperation", camAction: action },
      });
      expect(account.takeCalls()[action]).toBeLessThanOrEqual(41);
      expect(await account.state()).toMatchObject({ status: "FAILED", camAction: action });
      expect(await account.scanner().scan()).toEqual({ kind: "BUSY" });
      account.emulator.control.clearFaults();
      await account.makeDue();
      expect(await account.scanner().scan()).toEqual({ kind: "FINISHED" });
      expect(await account.state()).not.toHaveProperty("code");
    },
  );
});
