import { expect, test } from "vitest";
import type { FaultInput } from "../../src/emulator/index.ts";
import { callCam, codeOf, signedPost } from "./call-cam.ts";
import { type RawReply, sendRaw } from "./send-raw.ts";
import { type RecordedEmulator, startEmulator } from "./start-emulator.ts";

const ALICE = "100021969091";
const WRITE = '{"OpUin":100021969091,"LoginFlag":{"Phone":1,"Stoken":0,"Wechat":0}}';

async function write(emulator: RecordedEmulator): Promise<RawReply | "cut"> {
  const sent = sendRaw(emulator.url, signedPost(emulator, "SetMfaFlag", WRITE));
  return sent.catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ECONNRESET") return "cut" as const;
    throw error;
  });
}

function isWritten(emulator: RecordedEmulator): boolean {
  return emulator.control.user(ALICE)?.loginFlag.Phone === 1;
}

interface Expected {
  applied: boolean;
  outcome: string | null;
  reply: (reply: RawReply | "cut") => void;
}

const text = (reply: RawReply | "cut") => (reply === "cut" ? "cut" : reply.body.toString());
const json = (reply: RawReply | "cut") => JSON.parse(text(reply)) as unknown;
const isJsonType = (reply: RawReply | "cut") =>
  expect(reply).toMatchObject({ status: 200, headers: { "content-type": "application/json" } });
const refusal = (code: string) => (reply: RawReply | "cut") => {
  expect(json(reply)).toMatchObject({ Response: { Error: { Code: code }, RequestId: expect.any(String) } });
};

const FAULTS: [fault: FaultInput, expected: Expected][] = [
  [
    { kind: "throttle" },
    { applied: false, outcome: "RequestLimitExceeded", reply: refusal("RequestLimitExceeded") },
  ],
  [
    { kind: "camError", code: "InternalError.SystemError", message: "no" },
    { applied: false, outcome: "InternalError.SystemError", reply: refusal("InternalError.SystemError") },
  ],
  [
    { kind: "camError", code: "ServiceUnavailable", apply: true },
    { applied: true, outcome: "ServiceUnavailable", reply: refusal("ServiceUnavailable") },
  ],
  ...[429, 500, 502, 503, 504].map((status): [FaultInput, Expected] => [
    { kind: "httpStatus", status },
    { applied: false, outcome: null, reply: (reply) => expect(reply).toMatchObject({ status }) },
  ]),
  [
    { kind: "httpStatus", status: 504, apply: true },
    { applied: true, outcome: null, reply: (reply) => expect(reply).toMatchObject({ status: 504 }) },
  ],
  [
    { kind: "delay", delayMs: 5 },
    {
      applied: true,
      outcome: "Success",
      reply: (reply) => expect(json(reply)).toEqual({ Response: { RequestId: expect.any(String) } }),
    },
  ],
  [{ kind: "cutBefore" }, { applied: false, outcome: null, reply: (reply) => expect(reply).toBe("cut") }],
  [{ kind: "cutAfter" }, { applied: true, outcome: null, reply: (reply) => expect(reply).toBe("cut") }],
  [
    { kind: "garbageBody" },
    {
      applied: false,
      outcome: null,
      reply: (reply) => {
        isJsonType(reply);
        expect(() => json(reply)).toThrow(SyntaxError);
        expect(text(reply).length).toBeGreaterThan(0);
      },
    },
  ],
  [
    { kind: "truncatedJson" },
    {
      applied: true,
      outcome: null,
      reply: (reply) => {
        isJsonType(reply);
        expect(text(reply)).toMatch(/^\{"Response":/);
        expect(() => json(reply)).toThrow(SyntaxError);
      },
    },
  ],
  [
    { kind: "truncatedJson", apply: false },
    { applied: false, outcome: null, reply: (reply) => expect(() => json(reply)).toThrow(SyntaxError) },
  ],
  [
    { kind: "emptyBody" },
    {
      applied: false,
      outcome: null,
      reply: (reply) => {
        isJsonType(reply);
        expect(text(reply)).toBe("");
      },
    },
  ],
  [
    { kind: "emptyObject" },
    { applied: false, outcome: null, reply: (reply) => expect(json(reply)).toEqual({}) },
  ],
  [
    { kind: "htmlBody" },
    {
      applied: false,
      outcome: null,
      reply: (reply) => {
        expect(reply).toMatchObject({ status: 200, headers: { "content-type": "text/html" } });
        expect(text(reply)).toMatch(/^<html>/);
      },
    },
  ],
  [
    { kind: "wrongContentType" },
    {
      applied: true,
      outcome: null,
      reply: (reply) => {
        expect(reply).toMatchObject({ headers: { "content-type": "text/plain" } });
        expect(json(reply)).toEqual({ Response: { RequestId: expect.any(String) } });
      },
    },
  ],
  [
    { kind: "hugeBody" },
    {
      applied: false,
      outcome: null,
      reply: (reply) => {
        isJsonType(reply);
        expect(reply !== "cut" && reply.body.length).toBe(20 * 1024 * 1024);
      },
    },
  ],
];

test.each(FAULTS)("the fault %o with times 1 affects only one write", async (fault, expected) => {
  const emulator = await startEmulator();
  emulator.control.addFault({ ...fault, times: 1 });
  expected.reply(await write(emulator));
  expect(isWritten(emulator)).toBe(expected.applied);
  expect(emulator.control.journal()).toMatchObject([
    { fault: fault.kind, outcome: expected.outcome, applied: expected.applied },
  ]);
  expect(emulator.control.faults()).toMatchObject([{ struck: 1 }]);
  expect(await codeOf(emulator, "SetMfaFlag", WRITE)).toBe("Success");
});

test.each([false, true])(
  "silence never answers, and applies the write only if apply is true: %s",
  async (apply) => {
    const emulator = await startEmulator();
    emulator.control.addFault({ kind: "silence", apply });
    const answer = write(emulator);
    await expect.poll(() => emulator.control.journal()).toMatchObject([{ fault: "silence", outcome: null }]);
    expect(isWritten(emulator)).toBe(apply);
    await emulator.stop();
    expect(await answer).toBe("cut");
  },
);

test("a delay comes before the write, and a stop of the emulator ends it", async () => {
  const emulator = await startEmulator();
  emulator.control.addFault({ kind: "delay", delayMs: 600_000 });
  const answer = write(emulator);
  await expect.poll(() => emulator.control.journal()).toHaveLength(1);
  expect(isWritten(emulator)).toBe(false);
  await emulator.stop();
  expect(await answer).toBe("cut");
});

test("a fault for an action and a user affects only that action of that user", async () => {
  const emulator = await startEmulator();
  emulator.control.addFault({ kind: "camError", code: "InternalError", action: "SetMfaFlag", opUin: ALICE });
  const bob = { OpUin: 100021969092, LoginFlag: { Stoken: 1 } };
  expect(await codeOf(emulator, "SetMfaFlag", bob)).toBe("Success");
  expect(await codeOf(emulator, "DescribeSafeAuthFlagColl", { SubUin: Number(ALICE) })).toBe("Success");
  expect(await codeOf(emulator, "SetMfaFlag", WRITE)).toBe("InternalError");
});

test("a fault for a user affects a batch that contains the user", async () => {
  const emulator = await startEmulator();
  emulator.control.addFault({ kind: "camError", code: "InternalError", opUin: ALICE });
  const uins = (...list: number[]) => ({ FilterSubAccountUin: list });
  expect(await codeOf(emulator, "DescribeSubAccounts", uins(100021969092))).toBe("Success");
  expect(await codeOf(emulator, "DescribeSubAccounts", uins(100021969092, Number(ALICE)))).toBe(
    "InternalError",
  );
});

test("a fault skips calls, then affects the given number of calls, then ends", async () => {
  const emulator = await startEmulator();
  emulator.control.addFault({ kind: "camError", code: "InternalError", skip: 1, times: 2 });
  const codes: string[] = [];
  for (let at = 0; at < 5; at += 1) codes.push(await codeOf(emulator, "ListUsers", {}));
  expect(codes).toEqual(["Success", "InternalError", "InternalError", "Success", "Success"]);
});

test("the first matching fault applies, and after its deletion the next one", async () => {
  const emulator = await startEmulator();
  const first = emulator.control.addFault({ kind: "camError", code: "First" });
  emulator.control.addFault({ kind: "camError", code: "Second" });
  expect(await codeOf(emulator, "ListUsers", {})).toBe("First");
  expect(emulator.control.clearFaults(first.id)).toBe(true);
  expect(await codeOf(emulator, "ListUsers", {})).toBe("Second");
  emulator.control.clearFaults();
  expect(await codeOf(emulator, "ListUsers", {})).toBe("Success");
});

test("with the same random seed, the same calls fail in every run", async () => {
  const run = async (randomSeed: number) => {
    const emulator = await startEmulator({ randomSeed, ratePerSecond: 1000 });
    emulator.control.addFault({ kind: "camError", code: "InternalError", probability: 0.5 });
    const codes: string[] = [];
    for (let at = 0; at < 30; at += 1) codes.push(await codeOf(emulator, "ListUsers", {}));
    return codes;
  };
  const codes = await run(7);
  expect(new Set(codes)).toEqual(new Set(["Success", "InternalError"]));
  expect(await run(7)).toEqual(codes);
  expect(await run(8)).not.toEqual(codes);
});

test("a fault affects only authenticated calls within the rate limit", async () => {
  const emulator = await startEmulator({ ratePerSecond: 1 });
  emulator.control.setClock({ frozen: true });
  emulator.control.addFault({ kind: "camError", code: "InternalError" });
  expect(await codeOf(emulator, "ListUsers", {}, { secretKey: "wrong" })).toBe(
    "AuthFailure.SignatureFailure",
  );
  expect(await codeOf(emulator, "ListUsers", {})).toBe("InternalError");
  expect(await codeOf(emulator, "ListUsers", {})).toBe("RequestLimitExceeded");
});

test("a fault does not apply a write that CAM refuses", async () => {
  const emulator = await startEmulator();
  emulator.control.addFault({ kind: "httpStatus", status: 504, apply: true });
  await sendRaw(
    emulator.url,
    signedPost(emulator, "SetMfaFlag", '{"OpUin":100021969094,"LoginFlag":{"Stoken":0}}'),
  );
  expect(emulator.control.journal()).toMatchObject([{ applied: false, outcome: null }]);
});

test("a throttle fault counts as throttled", async () => {
  const emulator = await startEmulator();
  emulator.control.addFault({ kind: "throttle" });
  const { Error: error } = await callCam(emulator, "ListUsers", {});
  expect(error?.Message).toMatch(/`21` in a second/);
  expect(emulator.control.counters()["ListUsers"]).toMatchObject({ accepted: 0, throttled: 1 });
});

test.each<FaultInput>([
  { kind: "httpStatus", status: 503 },
  { kind: "truncatedJson" },
  { kind: "garbageBody" },
  { kind: "camError", code: "InternalError" },
])("a write answered by $kind can take effect later, by the emulator's clock", async (fault) => {
  const emulator = await startEmulator();
  emulator.control.setClock({ frozen: true });
  emulator.control.addFault({ ...fault, apply: true, applyAfterMs: 40_000, times: 1 } as FaultInput);
  const spoilt = await write(emulator);
  if (fault.kind === "truncatedJson") expect(() => json(spoilt)).toThrow(SyntaxError);
  emulator.control.setClock({ advanceMs: 39_999 });
  expect(isWritten(emulator)).toBe(false);
  expect(emulator.control.journal()).toMatchObject([{ fault: fault.kind, applied: false }]);
  emulator.control.setClock({ advanceMs: 1 });
  expect(emulator.control.journal()).toMatchObject([{ fault: fault.kind, applied: true }]);
  expect(emulator.control.counters()["SetMfaFlag"]).toMatchObject({ received: 1, applied: 1 });
  expect(isWritten(emulator)).toBe(true);
});

test("late writes take effect in the order of their times, and a reset discards them", async () => {
  const emulator = await startEmulator();
  emulator.control.setClock({ frozen: true });
  const late = (applyAfterMs: number) =>
    emulator.control.addFault({ kind: "httpStatus", status: 503, apply: true, applyAfterMs, times: 1 });
  late(2_000);
  await write(emulator);
  late(1_000);
  await callCam(emulator, "SetMfaFlag", { OpUin: Number(ALICE), LoginFlag: { Phone: 0, Stoken: 1 } }).catch(
    () => undefined,
  );
  emulator.control.setClock({ advanceMs: 5_000 });
  expect(emulator.control.user(ALICE)?.loginFlag).toMatchObject({ Phone: 1, Stoken: 0 });
  late(1_000);
  await write(emulator);
  emulator.control.reset();
  emulator.control.setClock({ frozen: true, advanceMs: 5_000 });
  expect(isWritten(emulator)).toBe(false);
});

test("a late write that is refused when it is due changes nothing", async () => {
  const emulator = await startEmulator();
  emulator.control.setClock({ frozen: true });
  emulator.control.addFault({ kind: "httpStatus", status: 503, apply: true, applyAfterMs: 1_000 });
  await write(emulator);
  emulator.control.putUser({ uin: ALICE, phone: null });
  emulator.control.setClock({ advanceMs: 1_000 });
  expect(isWritten(emulator)).toBe(false);
  expect(emulator.events.filter(({ kind }) => kind === "defect")).toEqual([]);
});

test("a stale read shows the state before a write for the length of its lag", async () => {
  const emulator = await startEmulator();
  const read = async () => {
    const reply = await callCam(emulator, "DescribeSafeAuthFlagColl", { SubUin: Number(ALICE) });
    return (reply as unknown as { readonly LoginFlag: { readonly Phone: 0 | 1 } }).LoginFlag.Phone;
  };
  emulator.control.setClock({ frozen: true });
  emulator.control.addFault({ kind: "staleRead", lagMs: 2_000, action: "DescribeSafeAuthFlagColl" });
  await write(emulator);
  emulator.control.setClock({ advanceMs: 1_000 });
  emulator.control.putUser({ uin: ALICE, loginFlag: { Phone: 0, Stoken: 1 } });
  const shown: (0 | 1)[] = [await read()];
  for (const advanceMs of [999, 1, 999, 1]) {
    emulator.control.setClock({ advanceMs });
    shown.push(await read());
  }
  expect(shown).toEqual([0, 0, 1, 1, 0]);
  expect(emulator.control.journal({ action: "DescribeSafeAuthFlagColl" })[0]).toMatchObject({
    fault: "staleRead",
    outcome: "Success",
  });
});
