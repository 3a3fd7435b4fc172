import { sql } from "kysely";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Database } from "../../src/database/database.ts";
import { Secret } from "../../src/secret.ts";
import { retryDelayMs } from "../../src/webhooks/webhooks.ts";
import { cutDatabase } from "../support/cut-database.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { createTestPostgres, openTestPostgres } from "../support/open-test-database.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { entryOf, openReplica, passTime, queueEvents } from "./open-replica.ts";
import { type Got, newSecret, type StartedReceiver, startReceiver } from "./start-receiver.ts";

let url: string;
let database: Database;

beforeAll(async () => {
  url = await createTestPostgres();
  database = await openTestPostgres(url);
});
beforeEach(async () => {
  await sql`delete from webhook_receiver`.execute(database.db);
});

const marksOf = (got: readonly Got[]) => got.map(({ event }) => event.data["mark"]);
const idsOf = (got: readonly Got[]) => got.map(({ id }) => id);
const range = (count: number, from = 0) => Array.from({ length: count }, (_, at) => from + at);
const kindsOf = (reports: readonly (readonly [string, unknown])[]) => reports.map(([kind]) => kind);

/** Lets a receiver answer with this status from now on. */
function answerWith(receiver: StartedReceiver, status: number, headers: Record<string, string> = {}): void {
  receiver.answer = (_got, response) => void response.writeHead(status, headers).end();
}

describe("deliveries", () => {
  test("reach a receiver once, in order, with the headers and signatures of Standard Webhooks", async () => {
    const receiver = await startReceiver();
    const entry = entryOf(receiver);
    const { deliver, reports } = await openReplica(database, [entry]);
    await queueEvents(database, ...range(20));
    await deliver(entry.name);
    await deliver(entry.name);
    expect(marksOf(receiver.got)).toEqual(range(20));
    expect(new Set(idsOf(receiver.got)).size).toBe(20);
    expect(receiver.forged).toEqual([]);
    expect(receiver.got[0]?.headers).toMatchObject({
      "content-type": "application/json",
      "user-agent": "cam-mfa-gateway",
      "webhook-id": expect.stringMatching(/^[0-9a-f-]{36}$/),
      "webhook-timestamp": expect.stringMatching(/^\d{10}$/),
      "webhook-signature": expect.stringMatching(/^v1,[\w+/]{43}=$/),
    });
    expect(kindsOf(reports)).toEqual(Array(20).fill("delivered"));
  });

  test("go to each receiver that wants the type and the account, with one id", async () => {
    const [all, scans, other] = [await startReceiver(), await startReceiver(), await startReceiver()];
    const entries = [
      entryOf(all),
      entryOf(scans, { events: ["scan.finished"] }),
      entryOf(other, { accounts: ["other"] }),
    ];
    const { deliver } = await openReplica(database, entries);
    await queueEvents(database, 1);
    await sql`select queue_webhook('scan.finished', 'other', '{"mark": 2}')`.execute(database.db);
    for (const { name } of entries) await deliver(name);
    expect([all, scans, other].map(({ got }) => marksOf(got))).toEqual([[1, 2], [2], [2]]);
    expect(idsOf(scans.got)).toEqual(idsOf(other.got));
  });

  test("carry a signature of each of two secrets, and of a rotated file at once", async () => {
    const receiver = await startReceiver();
    const folder = await temporaryFolder();
    const file = await folder.write("secret", `${receiver.secret}\n`);
    const entry = entryOf(receiver, { secrets: [{ value: new Secret(newSecret()) }, { file }] });
    const { deliver, reports } = await openReplica(database, [entry]);
    await queueEvents(database, 1);
    await deliver(entry.name);
    expect(receiver.got[0]?.headers["webhook-signature"]).toMatch(/^v1,\S+ v1,\S+$/);
    await folder.write("secret", newSecret());
    await queueEvents(database, 2);
    await deliver(entry.name);
    expect(receiver.forged).toHaveLength(1);
    await folder.write("secret", "whsec_short");
    await passTime(database, 60_000);
    await deliver(entry.name);
    expect(JSON.stringify(reports.at(-1))).toContain("has no secret of the form whsec_");
    await folder.write("secret", receiver.secret);
    await passTime(database, 60_000);
    await deliver(entry.name);
    expect(marksOf(receiver.got)).toEqual([1, 2]);
  });

  test("are not written without a receiver", async () => {
    await queueEvents(database, 1);
    expect((await sql`select from webhook_delivery`.execute(database.db)).rows).toEqual([]);
  });

  test("keep their order while two replicas deliver at once", async () => {
    const receiver = await startReceiver();
    const entry = entryOf(receiver);
    const other = await openTestPostgres(url);
    const replicas = [await openReplica(database, [entry]), await openReplica(other, [entry])];
    let isOver = false;
    const writing = queueEvents(database, ...range(150)).then(() => {
      isOver = true;
    });
    // The queue may run two jobs of one receiver at once in each replica.
    const delivering = [...replicas, ...replicas].map(async ({ deliver }) => {
      while (!isOver) await deliver(entry.name);
    });
    await Promise.all([writing, ...delivering]);
    for (const { deliver } of replicas) await deliver(entry.name);
    expect(marksOf(receiver.got)).toEqual(range(150));
  });

  test("to a slow receiver hold up no other, and end after 15 seconds", async () => {
    const [slow, quick] = [await startReceiver(), await startReceiver()];
    const hanging = Promise.withResolvers<void>();
    slow.answer = () => hanging.resolve();
    const entries = [entryOf(slow), entryOf(quick)] as const;
    const clock = new FakeClock(Date.now());
    const { deliver, reports } = await openReplica(database, entries, { clock });
    await queueEvents(database, 1);
    const waiting = deliver(entries[0].name);
    await hanging.promise;
    await deliver(entries[1].name);
    expect(marksOf(quick.got)).toEqual([1]);
    await clock.advance(15_000);
    await waiting;
    expect(reports.at(-1)).toMatchObject(["failed", { problem: "gave no answer within 15 s" }]);
  });
});

describe("a receiver that fails", () => {
  test("for an hour loses no event, and gets all in order with their ids", async () => {
    const receiver = await startReceiver();
    const entry = entryOf(receiver);
    const { deliver, reports } = await openReplica(database, [entry]);
    answerWith(receiver, 503);
    let elapsedMs = 0;
    let written = 0;
    while (elapsedMs < 3_600_000) {
      await queueEvents(database, ...range(10, written));
      written += 10;
      await deliver(entry.name);
      const attempts = receiver.got.length;
      // Before its time the gateway makes no further attempt.
      await deliver(entry.name);
      expect(receiver.got).toHaveLength(attempts);
      const [kind, report] = reports.at(-1) ?? [];
      expect(kind).toBe("failed");
      const { retryInMs } = report as { readonly retryInMs: number };
      await passTime(database, retryInMs);
      elapsedMs += retryInMs;
    }
    const attempts = receiver.got.length;
    expect(attempts).toBeLessThan(12);
    expect(new Set(idsOf(receiver.got)).size).toBe(1);
    answerWith(receiver, 200);
    await deliver(entry.name);
    const delivered = receiver.got.slice(attempts);
    expect(marksOf(delivered)).toEqual(range(written));
    expect(delivered[0]?.id).toBe(receiver.got[0]?.id);
  });

  test("waits 5 s, 15 s, 45 s and so on up to 15 minutes, give or take a tenth", () => {
    const seconds = [1, 2, 3, 4, 5, 6, 50].map((failures) => retryDelayMs(failures, 0.5) / 1_000);
    expect(seconds).toEqual([5, 15, 45, 135, 405, 900, 900]);
    expect([retryDelayMs(1, 0), retryDelayMs(1, 1)]).toEqual([4_500, 5_500]);
  });

  test.each<[name: string, status: number, headers: Record<string, string>, problem: string]>([
    ["an error", 500, {}, "answered HTTP 500"],
    ["a refusal", 400, {}, "answered HTTP 400"],
    ["a redirect", 302, { location: "http://127.0.0.1:1/" }, "follows no redirect"],
    ["a reply without end", 404, { "content-length": "9999999" }, "answered HTTP 404"],
  ])("by %s is retried", async (_name, status, headers, problem) => {
    const receiver = await startReceiver();
    receiver.answer = (_got, response) => {
      response.writeHead(status, headers);
      if (headers["content-length"] === undefined) response.end();
      else response.write("x".repeat(100_000));
    };
    const entry = entryOf(receiver);
    const { deliver, reports, store } = await openReplica(database, [entry]);
    await queueEvents(database, 1);
    await deliver(entry.name);
    expect(reports).toMatchObject([["failed", { problem: expect.stringContaining(problem) }]]);
    expect(await store.states([entry.name])).toMatchObject([{ waiting: 1, isDue: false }]);
  });

  test("says in Retry-After when the next attempt may come, up to 15 minutes", async () => {
    const receiver = await startReceiver();
    const entry = entryOf(receiver);
    const { deliver, reports } = await openReplica(database, [entry]);
    await queueEvents(database, 1);
    for (const seconds of ["120", "999999", "Mon, 30 Nov 2026 00:00:00 GMT"]) {
      answerWith(receiver, 429, { "retry-after": seconds });
      await deliver(entry.name);
      await passTime(database, 900_000);
    }
    const waits = reports.map(([, report]) => (report as { readonly retryInMs: number }).retryInMs);
    expect(waits.slice(0, 2)).toEqual([120_000, 900_000]);
    expect(waits[2]).toBeLessThan(60_000);
  });

  test("for three days gets its events into the dead-letter list, and again when a person redrives them", async () => {
    const receiver = await startReceiver();
    answerWith(receiver, 500);
    const entry = entryOf(receiver);
    const { deliver, reports, store } = await openReplica(database, [entry]);
    await queueEvents(database, 1);
    await deliver(entry.name);
    await passTime(database, 3 * 86_400_000);
    await queueEvents(database, 2);
    await deliver(entry.name);
    expect(kindsOf(reports)).toEqual(["failed", "dead"]);
    const [dead] = await store.dead(10);
    expect(dead).toMatchObject({
      ...{ receiver: entry.name, eventId: receiver.got[0]?.id, type: "drift.found" },
      ...{ attempts: 2, problem: "answered HTTP 500" },
    });
    // The next event gets its turn soon.
    await passTime(database, 5_000);
    await deliver(entry.name);
    expect(marksOf(receiver.got)).toEqual([1, 1, 2]);
    answerWith(receiver, 200);
    expect(await store.redrive({ receiver: "another" })).toBe(0);
    expect(await store.redrive({ event: dead?.eventId })).toBe(1);
    await deliver(entry.name);
    expect(marksOf(receiver.got).slice(3)).toEqual([1, 2]);
    expect(receiver.got[3]?.id).toBe(receiver.got[0]?.id);
    expect(await store.dead(10)).toEqual([]);
  });

  test("by HTTP 410 gets nothing until its entry changes, and then all that waited", async () => {
    const receiver = await startReceiver();
    answerWith(receiver, 410);
    const entry = entryOf(receiver);
    const { deliver, reports, store, webhooks } = await openReplica(database, [entry]);
    await queueEvents(database, 1);
    await deliver(entry.name);
    expect(reports).toMatchObject([["disabled", { receiver: entry.name }]]);
    answerWith(receiver, 200);
    await passTime(database, 86_400_000);
    await queueEvents(database, 2);
    // The same entry, as a restarted replica reads it.
    await webhooks.use([entry]);
    await deliver(entry.name);
    expect(receiver.got).toHaveLength(1);
    expect(await store.states([entry.name])).toMatchObject([{ waiting: 2, disabledAt: expect.any(Date) }]);
    await webhooks.use([{ ...entry, settings: "two" }]);
    await deliver(entry.name);
    expect(marksOf(receiver.got)).toEqual([1, 1, 2]);
  });
});

describe("a fault between a delivery and its mark", () => {
  test("of a replica leads to a second delivery by another one, after the lease", async () => {
    const receiver = await startReceiver();
    const entry = entryOf(receiver);
    const killed = await openReplica(database, [entry]);
    await queueEvents(database, 1, 2);
    await killed.store.claim(entry.name, "the killed replica");
    const { deliver } = await openReplica(database, [entry]);
    await deliver(entry.name);
    expect(receiver.got).toEqual([]);
    await passTime(database, 30_000);
    await deliver(entry.name);
    expect(marksOf(receiver.got)).toEqual([1, 2]);
  });

  test("of the database leads to a second delivery with the same id", async () => {
    const ownUrl = await createTestPostgres();
    const own = await openTestPostgres(ownUrl);
    const receiver = await startReceiver();
    const entry = entryOf(receiver);
    const { deliver, reports } = await openReplica(own, [entry]);
    await queueEvents(own, 1, 2);
    let restore: (() => Promise<void>) | undefined;
    receiver.answer = async (_got, response) => {
      restore ??= await cutDatabase(ownUrl);
      response.writeHead(204).end();
    };
    await deliver(entry.name);
    expect(kindsOf(reports)).toContain("error");
    await restore?.();
    await passTime(own, 30_000);
    await deliver(entry.name);
    expect(marksOf(receiver.got)).toEqual([1, 1, 2]);
    expect(receiver.got[1]?.id).toBe(receiver.got[0]?.id);
  });
});

test("a round wakes the receivers that are due, and erases what waited for too long", async () => {
  const entry = entryOf(await startReceiver());
  const { webhooks, sent, reports, store } = await openReplica(database, [entry]);
  await store.register([entryOf(await startReceiver())]);
  await queueEvents(database, 1);
  await passTime(database, 31 * 86_400_000);
  await queueEvents(database, 2);
  webhooks.start();
  await expect.poll(() => [sent, reports]).toEqual([[entry.name], [["erased", 1]]]);
  await webhooks.stop();
  // No file has had the other receiver for a week.
  expect((await store.states()).map(({ name }) => name)).toEqual([entry.name]);
});
