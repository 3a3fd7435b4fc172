import { writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { type FileRead, PolledFile, Poller, readOnce } from "../src/poller.ts";
import { FakeClock } from "./support/fake-clock.ts";
import { temporaryFolder } from "./support/temporary-folder.ts";
import { whenOver } from "./support/when-over.ts";

function startRounds(restMs: number) {
  const clock = new FakeClock();
  let begun = 0;
  let finish: () => void = () => undefined;
  const rounds = new Poller(clock, () => {
    begun += 1;
    const { promise, resolve } = Promise.withResolvers<number>();
    finish = () => resolve(restMs);
    return promise;
  });
  rounds.start();
  return { clock, rounds, begun: () => begun, finish: () => finish() };
}

test("the first run begins immediately, and the next after the returned delay", async () => {
  const { clock, rounds, begun, finish } = startRounds(1_000);
  expect(begun()).toBe(1);
  finish();
  await clock.advance(999);
  expect(begun()).toBe(1);
  await clock.advance(1);
  expect(begun()).toBe(2);
  finish();
  await rounds.stop();
});

test("with a delay of 0 the next run begins when the current one ends", async () => {
  const { clock, rounds, begun, finish } = startRounds(0);
  finish();
  await clock.advance(0);
  expect(begun()).toBe(2);
  const stopped = rounds.stop();
  finish();
  await stopped;
  expect(begun()).toBe(2);
});

test("stop() ends a delay immediately, and waits for a run under way", async () => {
  const resting = startRounds(1_000);
  resting.finish();
  await resting.clock.advance(0);
  await resting.rounds.stop();
  const atWork = startRounds(1_000);
  let isStopped = false;
  const stopped = atWork.rounds.stop().then(() => {
    isStopped = true;
  });
  await atWork.clock.advance(0);
  expect(isStopped).toBe(false);
  atWork.finish();
  await stopped;
  expect(atWork.begun()).toBe(1);
});

test("a change that cannot be used now is used again every half minute, until it can be", async () => {
  const folder = await temporaryFolder();
  const file = await folder.write("file", "old");
  const clock = new FakeClock();
  const used: string[] = [];
  let answer: "done" | "again" = "again";
  const use = async (read: FileRead) => {
    used.push("bytes" in read ? read.bytes.toString() : read.problem);
    return answer;
  };
  const polled = new PolledFile({ file, clock, first: await readOnce(file), use });
  whenOver(() => polled.stop());
  polled.start();
  const look = async (times: number) => {
    for (let looks = 0; looks < times; looks++) {
      await clock.advance(2_000);
      await expect.poll(() => clock.pendingTimers, { interval: 1 }).toBe(1);
    }
  };
  await look(3);
  expect(used).toEqual([]);
  await writeFile(file, "new");
  await look(1);
  expect(used).toEqual([]);
  await look(15);
  expect(used).toEqual(["new"]);
  answer = "done";
  await look(30);
  expect(used).toEqual(["new", "new"]);
});
