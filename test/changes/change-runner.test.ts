import { expect, test } from "vitest";
import type { ChangeAccount } from "../../src/changes/change-account.ts";
import { ChangeRunner, type Run } from "../../src/changes/change-runner.ts";
import { RecentWrites } from "../../src/changes/recent-writes.ts";
import { JumpingClock } from "../support/fake-clock.ts";
import { ALICE } from "../support/seed-users.ts";
import { changeOf } from "../support/start-change-service.ts";

const off = { phone: false, stoken: false, wechat: false };

/** A runner whose record says the same of each attempt to begin, and how often the user was read. */
function startRunner(kind: "STALE" | "BUSY") {
  const clock = new JumpingClock();
  const runner = new ChangeRunner({
    access: { requireNotOwn: async () => undefined },
    log: {
      settle: async () => undefined,
      find: async () => ({ status: "applied" }) as never,
      recentWrites: async () => [],
    },
    recentWrites: new RecentWrites(clock),
    clock,
  });
  let reads = 0;
  const writer = {
    read: async () => {
      reads += 1;
      return { output: { login: off, action: off }, requestId: "r" };
    },
  };
  const account = { name: "default", writer } as unknown as ChangeAccount;
  const run: Run = {
    request: changeOf(ALICE, { login: { phone: true } }),
    context: { caller: { subject: "test", scopes: new Set() }, requestId: "r", deadlineMs: 15_000 },
    progress: { shared: false },
  };
  const verdict = { kind, id: "0199aaaa-0000-7000-8000-000000000000" };
  const changed = runner.run(run, account, {
    permit: async () => ({ approval: undefined }),
    record: async () => verdict,
    answer: async () => ({ changeId: "", resolvedBy: "REPLY", camRequestId: "" }) as const,
  });
  return { changed, verdict, reads: () => reads };
}

test.each(["STALE", "BUSY"] as const)(
  "a change that is %s each time reads the user again five times, and is CHANGE_IN_PROGRESS then",
  async (kind) => {
    const { changed, verdict, reads } = startRunner(kind);
    await expect(changed).rejects.toMatchObject({
      ...{ code: "CHANGE_IN_PROGRESS", opUin: ALICE, changeId: verdict.id },
    });
    expect(reads()).toBe(6);
  },
);
