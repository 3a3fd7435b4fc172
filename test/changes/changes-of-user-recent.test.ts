import { describe, expect, test } from "vitest";
import type { MfaFlagSet, MfaFlagState } from "../../src/cam/index.ts";
import {
  isAmbiguous,
  type KnownWrite,
  RecentWrites,
  stateAfter,
  unresolvedWrites,
  withRecentWrites,
} from "../../src/changes/changes-of-user.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { ALICE, BOB } from "../support/seed-users.ts";
import { uin } from "../support/start-change-service.ts";

const ASKED = "2026-11-24T12:00:00.000Z";

function flags(on: string): MfaFlagState {
  const is = (method: string) => on.split(" ").includes(method);
  return {
    ...{ phone: is("phone"), stoken: is("stoken"), wechat: is("wechat") },
    ...{ token: is("token"), custom: false, mail: false, u2fToken: false, passkey: false },
  };
}

function flagSet(on: string): MfaFlagSet {
  const { phone, stoken, wechat } = flags(on) as MfaFlagSet;
  return { phone, stoken, wechat };
}

const reading = (login: string, action = "") => ({ login: flags(login), action: flags(action), asOf: ASKED });

/** A write of login protection, at that minute. */
function write(
  before: string,
  sent: string,
  more: Partial<KnownWrite> & { minute?: number } = {},
): KnownWrite {
  const { minute = 1, ...rest } = more;
  return {
    status: "applied",
    finishedAt: new Date(Date.UTC(2026, 10, 24, 12, minute)),
    before: { login: flags(before), action: flags("") },
    sent: { login: flagSet(sent) },
    ...rest,
  };
}

describe("a reading with recent writes", () => {
  test.each([
    ["has the source CAM without a write", "stoken", [], "stoken", "CAM"],
    [
      "has the source CAM if it shows the write",
      "phone stoken",
      [write("stoken", "phone stoken")],
      "phone stoken",
      "CAM",
    ],
    [
      "has the source GATEWAY if it does not show the write",
      "stoken",
      [write("stoken", "phone stoken")],
      "phone stoken",
      "GATEWAY",
    ],
    [
      "omits a method that a write switched off",
      "phone stoken",
      [write("phone stoken", "stoken")],
      "stoken",
      "GATEWAY",
    ],
    [
      "keeps a method that no write changed",
      "wechat",
      [write("stoken", "phone stoken")],
      "wechat phone",
      "GATEWAY",
    ],
    ["follows CAM if the write changed nothing", "", [write("stoken", "stoken")], "", "CAM"],
    [
      "ignores writes of unknown outcome",
      "stoken",
      [write("stoken", "phone", { status: "unknown" })],
      "stoken",
      "CAM",
    ],
    [
      "shows the last of two writes",
      "stoken",
      [write("stoken", "phone stoken"), write("phone stoken", "stoken")],
      "stoken",
      "CAM",
    ],
    [
      "combines two writes",
      "",
      [write("", "phone"), write("phone", "phone wechat")],
      "phone wechat",
      "GATEWAY",
    ],
    [
      "keeps a method that no write can express",
      "token",
      [write("token", "phone")],
      "token phone",
      "GATEWAY",
    ],
  ] as const)("%s", (_case, shown, writes, known, source) => {
    expect(withRecentWrites(reading(shown), writes)).toMatchObject({ login: flags(known), source });
  });

  test("has the time of the read, or of the outcome of the last write that it includes", () => {
    expect(withRecentWrites(reading("stoken"), []).asOf).toBe(ASKED);
    const writes = [
      write("stoken", "phone stoken", { minute: 1 }),
      write("phone stoken", "phone stoken wechat", { minute: 2 }),
      write("phone stoken wechat", "phone stoken wechat", { minute: 3 }),
    ];
    expect(withRecentWrites(reading("stoken"), writes).asOf).toBe("2026-11-24T12:02:00.000Z");
  });

  test("keeps a protection that was not written", () => {
    const sent = { action: flagSet("phone") };
    const known = withRecentWrites(reading("stoken", ""), [write("", "", { sent })]);
    expect(known).toMatchObject({ login: flags("stoken"), action: flags("phone"), source: "GATEWAY" });
  });
});

test("only unknown writes after the last applied write may be in force too", () => {
  const [first, applied, second, third] = [
    write("", "phone", { status: "unknown" }),
    write("", "stoken"),
    write("", "wechat", { status: "unknown" }),
    write("", "phone", { status: "unknown" }),
  ] as const;
  expect(unresolvedWrites([first, applied, second, third])).toEqual([second, third]);
  expect(unresolvedWrites([first])).toEqual([first]);
  expect(unresolvedWrites([first, applied])).toEqual([]);
});

test("the state after a write has its flag sets and all unwritten flags", () => {
  expect(stateAfter(reading("token", "mail stoken"), write("", "phone"))).toEqual({
    login: flags("token phone"),
    action: flags("stoken"),
  });
});

test.each([
  ["no image", [], false],
  ["an equal image", [{ login: flagSet("phone"), action: flagSet("") }], true],
  ["an image of only one flag set", [{ login: flagSet("phone") }], false],
  ["images that each have one flag set", [{ login: flagSet("phone") }, { action: flagSet("") }], true],
  ["a different image", [{ login: flagSet("phone wechat"), action: flagSet("") }], false],
])("a read may show %s instead: %s", (_case, images, expected) => {
  expect(isAmbiguous({ login: flagSet("phone"), action: flagSet("") }, images)).toBe(expected);
});

test("a protection that was not written needs no image", () => {
  expect(
    isAmbiguous({ login: flagSet("phone") }, [{ login: flagSet("phone"), action: flagSet("stoken") }]),
  ).toBe(true);
  expect(isAmbiguous({ login: flagSet("phone") }, [{ action: flagSet("phone") }])).toBe(false);
});

describe("the remembered writes of a process", () => {
  const alice = { account: "default", opUin: uin(ALICE) };
  const remember = (clock: FakeClock) => {
    const writes = new RecentWrites(clock);
    writes.add(alice, { ...write("", "phone"), changeId: "1", settleOrder: 7 });
    return writes;
  };

  test("belong to one user of an account for a minute, plus the age of a read", async () => {
    const clock = new FakeClock();
    const writes = remember(clock);
    expect(writes.of(alice)).toMatchObject({ lastSettleOrder: 7, writes: [{ changeId: "1" }] });
    expect(writes.of({ ...alice, account: "partner" })).toEqual({ lastSettleOrder: undefined, writes: [] });
    expect(writes.of({ ...alice, opUin: uin(BOB) })).toEqual({ lastSettleOrder: undefined, writes: [] });
    await clock.advance(59_999);
    expect(writes.of(alice).writes).toHaveLength(1);
    await clock.advance(1);
    expect(writes.of(alice)).toEqual({ lastSettleOrder: 7, writes: [] });
    expect(writes.of(alice, 5_000).writes).toHaveLength(1);
  });

  test("are those of the record, with their ages, after a fetch", async () => {
    const clock = new FakeClock();
    const writes = remember(clock);
    const fetched = { ...write("", "stoken"), sent: { login: flagSet("stoken") }, ageMs: 50_000 };
    writes.replace(alice, [
      { ...fetched, changeId: "2", settleOrder: 9 },
      { ...fetched, changeId: "3", settleOrder: 8, ageMs: -3_600_000 },
    ]);
    expect(writes.of(alice)).toMatchObject({
      lastSettleOrder: 9,
      writes: [{ changeId: "2" }, { changeId: "3" }],
    });
    await clock.advance(10_000);
    expect(writes.of(alice).writes).toMatchObject([{ changeId: "3" }]);
    await clock.advance(50_000);
    expect(writes.of(alice).writes).toEqual([]);
    writes.forget(alice);
    expect(writes.of(alice)).toEqual({ lastSettleOrder: undefined, writes: [] });
  });

  test("include each new write", () => {
    const writes = remember(new FakeClock());
    writes.add(alice, { ...write("phone", ""), changeId: "2", settleOrder: 8 });
    expect(writes.of(alice)).toMatchObject({
      lastSettleOrder: 8,
      writes: [{ changeId: "1" }, { changeId: "2" }],
    });
  });
});
