import { expect, test } from "vitest";
import { LOCAL_CALLER } from "../../src/auth/caller.ts";
import type { CamClient } from "../../src/cam/index.ts";
import { RecentWrites } from "../../src/changes/changes-of-user.ts";
import type { Uin } from "../../src/contract/index.ts";
import { createLoaders } from "../../src/graphql/loaders.ts";
import { FakeClock } from "../support/fake-clock.ts";

const off = {
  ...{ phone: false, token: false, stoken: false, wechat: false },
  ...{ custom: false, mail: false, u2fToken: false, passkey: false },
};
const NOTHING_ON = { login: off, action: off, asOf: "2026-11-24T12:00:00.000Z", atMs: 0 };

/** Starts loaders of a CAM that answers on demand, and counts the reads that are open at the same time. */
function startLoaders() {
  let underWay = 0;
  let most = 0;
  const clock = new FakeClock();
  const answers: (() => void)[] = [];
  const read = async <Result>(result: Result): Promise<Result> => {
    underWay += 1;
    most = Math.max(most, underWay);
    await new Promise<void>((resolve) => answers.push(resolve));
    underWay -= 1;
    return result;
  };
  const loaders = createLoaders(
    {
      name: "default",
      cam: { call: () => read({ output: [] }) } as unknown as Pick<CamClient, "call">,
      flagReads: { read: () => read(NOTHING_ON), drop: () => undefined },
    },
    {
      ...{ requestId: "request", caller: LOCAL_CALLER, deadlineMs: 1_000, clock },
      recentWrites: new RecentWrites(clock),
      directory: { find: async () => new Map() },
    },
  );
  const uins = (count: number) => Array.from({ length: count }, (_, at) => String(at + 1) as Uin);
  /** Answers one read after the other until all have ended. */
  const finish = async (all: Promise<unknown>): Promise<void> => {
    let isOver = false;
    void all.then(() => {
      isOver = true;
    });
    while (!isOver) {
      answers.shift()?.();
      await new Promise(setImmediate);
    }
  };
  return { loaders, uins, finish, most: () => most };
}

test("one operation has at most 40 reads of flags in the queue at a time", async () => {
  const { loaders, uins, finish, most } = startLoaders();
  await finish(loaders.flags.loadMany(uins(120)));
  expect(most()).toBe(40);
});

test("reads of profiles, 50 users each, count towards that limit", async () => {
  const { loaders, uins, finish, most } = startLoaders();
  const profiles = loaders.profile.loadMany(uins(2_500));
  await finish(Promise.all([profiles, loaders.flags.loadMany(uins(60))]));
  expect(most()).toBe(40);
});
