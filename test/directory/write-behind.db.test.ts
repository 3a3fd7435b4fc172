import { sql } from "kysely";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { describeSafeAuthFlagColl, describeSubAccounts, setMfaFlag } from "../../src/cam/index.ts";
import { systemClock } from "../../src/clock.ts";
import { GatewayError, type Uin } from "../../src/contract/index.ts";
import type { Database } from "../../src/database/database.ts";
import { DatabaseTime } from "../../src/directory/database-time.ts";
import { recordReads, WriteBehind } from "../../src/directory/write-behind.ts";
import { newUin } from "../audit/intent-of.ts";
import { startEmulator } from "../emulator/start-emulator.ts";
import { createCam, within } from "../support/create-cam.ts";
import { openTestDatabase } from "../support/open-test-database.ts";
import { ALICE, CAROL } from "../support/seed-users.ts";
import { flagsWith } from "./read-of.ts";

let database: Database;

beforeAll(async () => {
  database = await openTestDatabase("postgres");
});

async function userOf(opUin: string) {
  const { rows } = await sql<Record<string, unknown>>`
    select * from directory_user where op_uin = ${opUin}`.execute(database.db);
  return rows[0];
}

function openReads(onto: Database = database) {
  const errors: unknown[] = [];
  const time = new DatabaseTime(onto, systemClock);
  const reads = new WriteBehind({
    ...{ database: onto, time, clock: systemClock },
    onDrift: () => undefined,
    onError: (error) => errors.push(error),
  });
  onTestFinished(() => reads.stop());
  return { reads, errors };
}

test("calls through an observed client show in the directory, and the newest of several reads counts", async () => {
  const emulator = await startEmulator();
  const { reads, errors } = openReads();
  const cam = recordReads(
    "default",
    createCam(emulator.url, { clock: systemClock }).client,
    reads,
    systemClock,
  );
  const uin = ALICE as Uin;
  await cam.call(describeSafeAuthFlagColl, { subUin: uin }, within(systemClock));
  emulator.control.putUser({ uin, loginFlag: { Phone: 1 } });
  await cam.call(describeSafeAuthFlagColl, { subUin: uin }, within(systemClock));
  await cam.call(describeSubAccounts, { uins: [uin] }, within(systemClock));
  await reads.stop();
  expect(await userOf(ALICE)).toMatchObject({ name: "alice", source: "READ", login_methods: 1, strength: 1 });
  expect(errors).toEqual([]);
});

test("a read of a user is not written after the gateway has changed the user", async () => {
  const emulator = await startEmulator();
  const { reads } = openReads();
  const { client } = createCam(emulator.url, { clock: systemClock });
  const cam = recordReads("default", client, reads, systemClock);
  const opUin = CAROL as Uin;
  await cam.call(describeSafeAuthFlagColl, { subUin: opUin }, within(systemClock));
  const login = { phone: true, stoken: true, wechat: false };
  await cam.call(setMfaFlag, { opUin, login }, within(systemClock));
  await reads.stop();
  expect(await userOf(CAROL)).toBeUndefined();
});

test("a read does not wait for a database that is away, and is written when it is back", async () => {
  let isAway = true;
  let refused = 0;
  const unstable: Database = {
    ...database,
    get db() {
      if (!isAway) return database.db;
      refused += 1;
      throw new GatewayError("STORE_UNAVAILABLE");
    },
  };
  const { reads, errors } = openReads(unstable);
  const uin = newUin();
  reads.addProtections(
    "default",
    uin,
    { login: flagsWith("mail"), action: flagsWith() },
    systemClock.monotonic(),
  );
  await expect.poll(() => refused).toBeGreaterThan(0);
  expect(errors).toEqual([]);
  isAway = false;
  await reads.stop();
  expect(await userOf(uin)).toMatchObject({ strength: 2 });
});
