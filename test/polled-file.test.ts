import { writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { type FileRead, PolledFile, readOnce } from "../src/polled-file.ts";
import { FakeClock } from "./support/fake-clock.ts";
import { temporaryFolder } from "./support/temporary-folder.ts";
import { whenOver } from "./support/when-over.ts";

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
