import { join } from "node:path";
import { sql } from "kysely";
import { beforeEach, describe, expect, test } from "vitest";
import { acceptRestore, findMissing, RestoreRefusedError } from "../../src/audit/accept-restore.ts";
import { AuditEvents } from "../../src/audit/audit-events.ts";
import { CHECKPOINTS, type ChainHead } from "../../src/audit/chain.ts";
import { ChainAnchors, headsOf, readAnchorFile } from "../../src/audit/chain-anchors.ts";
import { ChangeStore } from "../../src/audit/change-store.ts";
import type { Checkpoint } from "../../src/audit/checkpoint.ts";
import { AuditCheckpointer } from "../../src/audit/checkpointer.ts";
import { readHeads } from "../../src/audit/read-record.ts";
import { verifyDatabase } from "../../src/audit/verify-database.ts";
import type { Database } from "../../src/database/database.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { copyTestPostgres, createTestPostgres, openTestPostgres } from "../support/open-test-database.ts";
import { rewriteRecord } from "../support/rewrite-record.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { APPLIED, FRESH, intentOf } from "./intent-of.ts";
import { newSigningKey } from "./make-chain.ts";

const key = newSigningKey();
const trustedKeys = [key.encoded];
const clock = new FakeClock();

interface Replica {
  readonly sign: () => Promise<Checkpoint | undefined>;
  readonly places: () => Promise<readonly ChainHead[]>;
  readonly events: string[];
  readonly states: (string | undefined)[];
}

/** A replica with an anchor file. It can be started on another database. */
async function startReplica(database: Database, anchorFile?: string): Promise<Replica> {
  const file = anchorFile ?? join((await temporaryFolder()).path, "anchor.json");
  const events: string[] = [];
  const states: (string | undefined)[] = [];
  const checkpointer = new AuditCheckpointer({
    ...{ database, privateKey: key.privateKey, clock, intervalMs: 1 },
    anchors: await ChainAnchors.open({ file }),
    report: (event) => events.push(event),
    onState: (problem) => states.push(problem),
  });
  return {
    sign: () => checkpointer.checkpoint(),
    places: async () => headsOf(await readAnchorFile(file)),
    ...{ events, states },
  };
}

async function record(database: Database, count: number): Promise<void> {
  const log = new ChangeStore({ database, replica: "replica-1" });
  for (let i = 0; i < count; i++) {
    const { id } = await log.begin(intentOf(), FRESH);
    await log.settle(id, APPLIED);
  }
}

async function accept(database: Database, places: readonly ChainHead[]): Promise<Checkpoint | undefined> {
  const found = await findMissing(database, places, trustedKeys);
  const { privateKey } = key;
  return found && acceptRestore(database, found, { places, privateKey, trustedKeys, clock });
}

/** The database of yesterday, and the anchors of two replicas of today. */
let restored: Database;
let first: Replica;
let second: Replica;
let places: readonly ChainHead[];
let lastEnd: ChainHead | undefined;

beforeEach(async () => {
  const url = await createTestPostgres();
  let database = await openTestPostgres(url);
  await record(database, 2);
  await (await startReplica(database)).sign();
  await record(database, 1);
  await database.close();
  const dump = await copyTestPostgres(url);
  database = await openTestPostgres(url);
  const folder = await temporaryFolder();
  const [one, two] = [join(folder.path, "one.json"), join(folder.path, "two.json")];
  await (await startReplica(database, one)).sign();
  await record(database, 2);
  expect(await (await startReplica(database, two)).sign()).toMatchObject({ number: 3 });
  lastEnd = (await readHeads(database.db)).find(({ chain }) => chain === "account:default");
  restored = await openTestPostgres(dump);
  first = await startReplica(restored, one);
  second = await startReplica(restored, two);
  places = [...(await first.places()), ...(await second.places())];
  expect(places.map(({ seq }) => seq)).toEqual([2, 3]);
});

describe("after a restore of an older copy", () => {
  test("replicas sign nothing, name the command, and sign again once what is missing is sealed", async () => {
    await record(restored, 1);
    expect([await first.sign(), await second.sign()]).toEqual([undefined, undefined]);
    expect([first.events, second.events]).toEqual([["record.behind"], ["record.behind"]]);
    expect(first.states).toEqual([
      expect.stringMatching(/^The database lacks checkpoint 2: .* Run: cam-gateway audit accept-restore$/),
    ]);
    // Changes go on.
    await record(restored, 1);

    const accepted = await accept(restored, [...places, ...(lastEnd === undefined ? [] : [lastEnd])]);
    expect(accepted).toMatchObject({ number: 4, previousHash: places[1]?.hash, restored: { number: 1 } });
    expect(await new AuditEvents(restored).list({ kind: "restore_accepted" }, 9)).toMatchObject([
      { account: "default", details: { chain: "account:default", to: 5, hash: lastEnd?.hash } },
      { account: undefined, details: { chain: CHECKPOINTS, to: 3, restoredTo: 1 } },
    ]);
    expect(await verifyDatabase(restored.db, trustedKeys, places)).toMatchObject({
      ...{ problem: undefined, signed: { number: 4 } },
    });
    await record(restored, 1);
    expect(await first.sign()).toMatchObject({ number: 5, previousHash: accepted?.hash });
    expect(await second.sign()).toBeUndefined();
    expect([first.states.at(-1), second.states.at(-1)]).toEqual([undefined, undefined]);
    expect((await second.places()).map(({ seq }) => seq)).toEqual([5]);
    expect(await verifyDatabase(restored.db, trustedKeys, places)).toMatchObject({ problem: undefined });
    expect(await accept(restored, places)).toBeUndefined();
  });

  test("a replica that knows a later checkpoint than was accepted still signs nothing", async () => {
    expect(await accept(restored, places.slice(0, 1))).toMatchObject({ number: 3, restored: { number: 1 } });
    expect(await second.sign()).toBeUndefined();
    expect(second.events).toEqual(["record.behind"]);
    expect(await accept(restored, places)).toMatchObject({ number: 4 });
    await record(restored, 1);
    expect([await second.sign(), await first.sign()]).toMatchObject([{ number: 5 }, undefined]);
    expect(await verifyDatabase(restored.db, trustedKeys, places)).toMatchObject({ problem: undefined });
  });

  test("a replica without an anchor that has signed meanwhile does not get in the way", async () => {
    const forgetful = await startReplica(restored);
    await forgetful.sign();
    for (let i = 0; i < 3; i++) {
      await record(restored, 1);
      await forgetful.sign();
    }
    expect(await second.sign()).toBeUndefined();
    expect(second.events).toEqual(["record.behind"]);
    expect(await accept(restored, places)).toMatchObject({ number: 6 });
    await record(restored, 1);
    expect([await second.sign(), await first.sign(), await forgetful.sign()]).toMatchObject([
      { number: 7 },
      undefined,
      undefined,
    ]);
    expect([second, first, forgetful].map(({ states }) => states.at(-1))).toEqual(Array(3).fill(undefined));
    expect(await verifyDatabase(restored.db, trustedKeys, places)).toMatchObject({ problem: undefined });
  });

  test("a copy from before the first checkpoint is accepted too", async () => {
    const empty = await openTestPostgres(await createTestPostgres());
    await record(empty, 1);
    expect(await accept(empty, places)).toMatchObject({ number: 4, restored: { number: 0 } });
    expect(await verifyDatabase(empty.db, trustedKeys, places)).toMatchObject({ problem: undefined });
  });

  test("a record with another fault is not accepted", async () => {
    await rewriteRecord(restored, async (db) => {
      await sql`update mfa_change set caller_subject = 'eve' where chain_seq = 3`.execute(db);
    });
    await expect(accept(restored, places)).rejects.toThrow(RestoreRefusedError);
    await expect(accept(restored, places)).rejects.toThrow("its stored callerSubject differs");
  });

  test("another key accepts nothing: its checkpoint does not count", async () => {
    const other = newSigningKey();
    const found = await findMissing(restored, places, trustedKeys);
    if (found === undefined) throw new Error("Nothing is missing.");
    const options = { places, privateKey: other.privateKey, trustedKeys, clock };
    await acceptRestore(restored, found, options);
    expect(await second.sign()).toBeUndefined();
    expect(second.events).toEqual(["record.behind"]);
    expect((await verifyDatabase(restored.db, trustedKeys)).problem?.reason).toMatch(
      /not one of the given keys/,
    );
    expect(await accept(restored, places)).toMatchObject({ number: 4 });
    expect(second.events).toEqual(["record.behind"]);
  });
});
