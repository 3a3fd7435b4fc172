import { sql } from "kysely";
import { beforeAll, describe, expect, test } from "vitest";
import { ChangeStore } from "../../src/audit/change-store.ts";
import type { Uin } from "../../src/contract/index.ts";
import type { Database } from "../../src/database/database.ts";
import { DriftLog } from "../../src/directory/drift-log.ts";
import { type ProtectionsRead, readClock, writeProtections } from "../../src/directory/user-writes.ts";
import { APPLIED, FRESH, intentOf, newUin } from "../audit/intent-of.ts";
import { openTestDatabase } from "../support/open-test-database.ts";
import { flagsWith, readOf } from "./read-of.ts";

describe.each(["postgres", "pglite"] as const)("drift in %s", (kind) => {
  let database: Database;
  let log: ChangeStore;

  beforeAll(async () => {
    database = await openTestDatabase(kind);
    log = new ChangeStore({ database, replica: "replica-1" });
  });

  // PGlite runs the same statements, more slowly.
  const testOnce = kind === "postgres" ? test : test.skip;

  const write = (...reads: readonly ProtectionsRead[]) => writeProtections(database, reads, "SCAN");

  async function driftOf(uin: Uin) {
    const found = await new DriftLog(database).list({ accounts: ["default"], since: undefined }, 10_000);
    return found.filter(({ opUin }) => opUin === uin);
  }

  /** Begins a change of the user from phone to stoken, and settles it if a status is given. */
  async function change(opUin: Uin, status?: "applied" | "unknown"): Promise<string> {
    const before = { login: flagsWith("phone"), action: flagsWith() };
    const sent = { login: { phone: false, stoken: true, wechat: false } };
    const { id } = await log.begin(intentOf({ opUin, before, sent }), FRESH);
    if (status !== undefined) await log.settle(id, { ...APPLIED, status });
    return id;
  }

  test("a change past the gateway is on record after two reads a minute apart, with both images", async () => {
    const uin = newUin();
    await write(readOf(uin, 1_000, "stoken"));
    expect(await write(readOf(uin, 2_000))).toEqual([]);
    expect(await write(readOf(uin, 61_999))).toEqual([]);
    expect(await driftOf(uin)).toEqual([]);
    expect(await writeProtections(database, [readOf(uin, 62_000)], "READ")).toEqual([
      { account: "default", opUin: uin },
    ]);
    expect(await driftOf(uin)).toEqual([
      {
        ...{ id: expect.stringMatching(/^\d+$/), account: "default", opUin: uin, name: undefined },
        before: {
          ...{ login: flagsWith("stoken"), action: flagsWith() },
          ...{ asOf: new Date(1_000), source: "SCAN" },
        },
        after: { login: flagsWith(), action: flagsWith(), asOf: new Date(62_000), source: "READ" },
        ...{ firstSeenAt: new Date(2_000), foundAt: expect.any(Date) },
      },
    ]);
    // The state is known now, so later reads report nothing.
    expect(await write(readOf(uin, 200_000))).toEqual([]);
    expect(await write(readOf(uin, 300_000))).toEqual([]);
    expect(await driftOf(uin)).toHaveLength(1);
  });

  test("a read that shows the known state again ends the suspicion", async () => {
    const uin = newUin();
    await write(readOf(uin, 1_000, "stoken"));
    await write(readOf(uin, 2_000));
    await write(readOf(uin, 50_000, "stoken"));
    expect(await write(readOf(uin, 90_000))).toEqual([]);
    expect(await driftOf(uin)).toEqual([]);
  });

  test("a method that CAM leaves out of a read is no drift", async () => {
    const uin = newUin();
    await write(readOf(uin, 1_000, "stoken", "passkey"));
    for (const asOfMs of [2_000, 100_000]) {
      const read = readOf(uin, asOfMs, "stoken");
      expect(await write({ ...read, login: { ...read.login, passkey: undefined } })).toEqual([]);
    }
    expect(await driftOf(uin)).toEqual([]);
  });

  test.each(["applied", undefined] as const)(
    "a change of the gateway that is %s explains what reads show",
    async (status) => {
      const uin = newUin();
      await write(readOf(uin, 1_000, "phone"));
      await change(uin, status);
      const nowMs = await readClock(database);
      for (const laterMs of [61_000, 130_000]) await write(readOf(uin, nowMs + laterMs, "stoken"));
      expect(await driftOf(uin)).toEqual([]);
    },
  );

  test("a change of unknown outcome explains the state that it sent, however late, and no other state", async () => {
    const [late, other] = [newUin(), newUin()];
    for (const uin of [late, other]) {
      await write(readOf(uin, 1_000, "phone"));
      await change(uin, "unknown");
    }
    const nowMs = await readClock(database);
    for (const uin of [late, other]) await write(readOf(uin, nowMs + 61_000, "phone"));
    for (const laterMs of [600_000, 700_000]) {
      await write(readOf(late, nowMs + laterMs, "stoken"), readOf(other, nowMs + laterMs, "wechat"));
    }
    expect(await driftOf(late)).toEqual([]);
    expect(await driftOf(other)).toHaveLength(1);
  });

  test("lists the latest first, by page, account and time", async () => {
    const uins = [newUin(), newUin(), newUin()];
    const account = `drift-${kind}`;
    const of = (uin: Uin, asOfMs: number, ...on: readonly "phone"[]) => ({
      ...readOf(uin, asOfMs, ...on),
      account,
    });
    for (const uin of uins) {
      await write(of(uin, 1_000, "phone"));
      await write(of(uin, 2_000));
      await write(of(uin, 90_000));
    }
    const drift = new DriftLog(database);
    const filter = { accounts: [account], since: undefined };
    const page = await drift.list(filter, 2);
    expect(page.map(({ opUin }) => opUin)).toEqual([uins[2], uins[1]]);
    const rest = await drift.list(filter, 2, page[1]?.id);
    expect(rest.map(({ opUin }) => opUin)).toEqual([uins[0]]);
    expect(await drift.list({ accounts: ["another"], since: undefined }, 2)).toEqual([]);
    expect(await drift.list({ accounts: [account], since: new Date("2100-01-01") }, 2)).toEqual([]);
  });

  testOnce(
    "finds no drift in 1,000 own changes with lagging reads and late writes, and then finds one",
    async () => {
      const uins = Array.from({ length: 1_000 }, newUin);
      const all = (asOfMs: number, on: "phone" | "stoken") =>
        write(...uins.map((uin) => readOf(uin, asOfMs, on)));
      await all(1_000, "phone");
      // Half of the replies are lost. CAM applies those writes ten minutes later.
      const lost: [Uin, string][] = [];
      for (let from = 0; from < uins.length; from += 20) {
        await Promise.all(
          uins.slice(from, from + 20).map(async (uin, at) => {
            const id = await change(uin, at % 2 === 0 ? "applied" : "unknown");
            if (at % 2 === 1) lost.push([uin, id]);
          }),
        );
      }
      const nowMs = await readClock(database);
      // Reads lag behind the writes for a minute, and those of the lost ones for as long as CAM has not applied them.
      for (const laterMs of [0, 20_000, 40_000]) await all(nowMs + laterMs, "phone");
      const isLost = new Set<Uin>(lost.map(([uin]) => uin));
      const shown = (laterMs: number) =>
        write(...uins.map((uin) => readOf(uin, nowMs + laterMs, isLost.has(uin) ? "phone" : "stoken")));
      for (const laterMs of [61_000, 130_000]) await shown(laterMs);
      for (const laterMs of [600_000, 640_000, 700_000]) await all(nowMs + laterMs, "stoken");
      for (const [, id] of lost) await log.settle(id, APPLIED);
      for (const laterMs of [800_000, 900_000]) await all(nowMs + laterMs, "stoken");
      const { rows } = await sql<{ found: number }>`
      select count(*)::integer as found from directory_drift
      where op_uin = any (${`{${uins.join(",")}}`}::text[])`.execute(database.db);
      expect(rows).toEqual([{ found: 0 }]);
      const edited = uins[500] as Uin;
      await write(readOf(edited, nowMs + 1_000_000));
      expect(await write(readOf(edited, nowMs + 1_061_000))).toEqual([{ account: "default", opUin: edited }]);
    },
    120_000,
  );
});
