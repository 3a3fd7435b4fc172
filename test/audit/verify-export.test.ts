import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { type ChainPlace, GENESIS, type SealedRecord } from "../../src/audit/chain.ts";
import type { ChainReport } from "../../src/audit/verify-chain.ts";
import { verifyExport } from "../../src/audit/verify-export.ts";
import { changeIdAt, exportOf, makeChain, newSigningKey, signAt } from "./make-chain.ts";

let file: string;

beforeAll(async () => {
  const dir = await mkdtemp(join(tmpdir(), "export-"));
  file = join(dir, "record.jsonl");
  return () => rm(dir, { recursive: true });
});

async function verify(
  exported: string | Uint8Array,
  trustedKeys?: readonly string[],
  expected: readonly ChainPlace[] = [],
): Promise<ChainReport> {
  await writeFile(file, exported);
  return verifyExport({ file, trustedKeys, expected });
}

const key = newSigningKey();
const records = makeChain(30);
const checkpoints = [signAt(records, 10, key), signAt(records, 25, key)];
const good = exportOf(records, { checkpoints });

function placeOf(seq: number): ChainPlace {
  const { hash } = records[seq - 1] as ChainPlace;
  return { seq, hash };
}

describe("an export as it was written", () => {
  test("is unbroken, and signed up to the last checkpoint", async () => {
    expect(await verify(good, [key.encoded])).toEqual({
      first: 1,
      last: 30,
      end: placeOf(30),
      signed: checkpoints[1],
      problem: undefined,
    });
    expect((await verify(good)).problem).toBeUndefined();
  });

  test("may hold a part of the chain, or nothing", async () => {
    const part = await verify(exportOf(records, { since: 10, checkpoints }), [key.encoded]);
    expect(part).toEqual({
      first: 11,
      last: 30,
      end: placeOf(30),
      signed: checkpoints[1],
      problem: undefined,
    });
    const none = await verify(exportOf(records, { since: 30 }));
    expect(none).toEqual({ first: 31, last: 30, end: placeOf(30), signed: undefined, problem: undefined });
    expect(await verify(exportOf([]))).toEqual({
      first: 1,
      last: 0,
      end: GENESIS,
      signed: undefined,
      problem: undefined,
    });
  });

  test("may be signed by one key after another", async () => {
    const next = newSigningKey();
    const both = exportOf(records, { checkpoints: [signAt(records, 10, key), signAt(records, 20, next)] });
    expect((await verify(both, [key.encoded, next.encoded])).problem).toBeUndefined();
    expect((await verify(both, [key.encoded])).problem?.reason).toMatch(
      /^the checkpoint of record 20 is signed with the key/,
    );
  });

  test("may have got a byte order mark from an editor", async () => {
    const report = await verify(`\uFEFF${good}`, [key.encoded]);
    expect(report).toMatchObject({ first: 1, last: 30, signed: checkpoints[1], problem: undefined });
    expect((await verify(`\uFEFF\uFEFF${good}`)).problem).toMatchObject({ seq: 1 });
  });

  test("may not have been rewritten as UTF-16, which is not called a change of the record", async () => {
    const rewritten = Buffer.from(`\uFEFF${good}`, "utf16le");
    await expect(verify(rewritten)).rejects.toThrow("is UTF-16; save it as UTF-8");
  });

  test("may be larger than what is read at once", async () => {
    const large = makeChain(40, { 20: `{"id": "${changeIdAt(20)}", "note": "${"手".repeat(100_000)}"}` });
    expect(await verify(exportOf(large))).toMatchObject({ last: 40, problem: undefined });
  });
});

/** Whose line each byte of an export belongs to: its record's number, or undefined for the last line's. */
function ownersOf(exported: string): (number | undefined)[] {
  const lines = exported.split(/(?<=\n)/);
  return lines.flatMap((line, index) =>
    Array.from({ length: Buffer.byteLength(line) }, () =>
      index === lines.length - 1 ? undefined : index + 1,
    ),
  );
}

async function expectNoticed(exported: string, position: number, mask: number): Promise<void> {
  const bytes = Buffer.from(exported);
  bytes[position] = (bytes[position] ?? 0) ^ mask;
  const { problem } = await verify(bytes);
  const told = `byte ${position} xor ${mask}`;
  const owners = ownersOf(exported);
  const owner = owners[position];
  const last = owners.findLast((each) => each !== undefined) ?? 0;
  expect(problem, told).toBeDefined();
  // The last line is no record's; a wrong end there can also look like records that are missing.
  if (owner === undefined) expect(problem?.seq === undefined || problem.seq > last, told).toBe(true);
  else expect(problem?.seq, told).toBe(owner);
}

describe("a changed byte", () => {
  // Not drawn anew at every run: a failure must come again.
  test("is noticed at each of 200 places, and the record is named", async () => {
    let draw = 42;
    const next = (): number => {
      draw = (draw * 1_103_515_245 + 12_345) % 2 ** 31;
      return draw / 2 ** 31;
    };
    const size = Buffer.byteLength(good);
    for (let i = 0; i < 200; i++) {
      await expectNoticed(good, Math.floor(next() * size), 1 + Math.floor(next() * 255));
    }
  });

  test("is noticed wherever it is", async () => {
    const small = makeChain(1);
    const exported = exportOf(small, { checkpoints: [signAt(small, 1, key)] });
    for (let position = 0; position < Buffer.byteLength(exported); position++) {
      await expectNoticed(exported, position, position % 2 === 0 ? 1 : 0x20);
    }
  });

  test("names the change where that can still be read", async () => {
    const { problem } = await verify(good.replace('"opUin\\": \\"10007\\"', '"opUin\\": \\"10008\\"'));
    expect(problem).toEqual({
      seq: 7,
      changeId: changeIdAt(7),
      reason: "its hash does not match its content",
    });
  });

  test.each([
    ["a space more", (text: string) => text.replace('{"seq":5,', '{"seq": 5,')],
    [
      "another spelling of a character",
      (text: string) => text.replace('{"seq":5,"previousHash":"', '{"seq":5,"\\u0070reviousHash":"'),
    ],
    ["a key twice", (text: string) => text.replace('{"seq":5,', '{"seq":5,"seq":5,')],
    ["a key more", (text: string) => text.replace('{"seq":5,', '{"note":"x","seq":5,')],
    ["another end of line", (text: string) => text.replace('\n{"seq":6,', '\r\n{"seq":6,')],
  ])("that leaves the values as they are is noticed: %s", async (_, change) => {
    const { problem } = await verify(change(good));
    expect(problem).toEqual({ seq: 5, changeId: changeIdAt(5), reason: "its line was altered or damaged" });
  });
});

describe("lines", () => {
  const lines = good.trimEnd().split("\n");
  const joined = (some: readonly (string | undefined)[]): string => `${some.join("\n")}\n`;

  test.each([
    [
      "a line missing in the middle",
      lines.toSpliced(11, 1),
      12,
      /^it is missing or out of its place: record 13 is there instead$/,
    ],
    [
      "the first line missing",
      lines.slice(1),
      1,
      /^it is missing or out of its place: record 2 is there instead$/,
    ],
    [
      "two lines swapped",
      lines.with(4, lines[5] ?? "").with(5, lines[4] ?? ""),
      5,
      /record 6 is there instead/,
    ],
    ["a line twice", lines.toSpliced(8, 0, lines[7] ?? ""), 9, /record 8 is there instead/],
    [
      "the last record missing",
      lines.toSpliced(29, 1),
      30,
      /^it is missing, and so is the rest: the chain ends at 30$/,
    ],
    ["several at the end missing", lines.toSpliced(20, 10), 21, /^it is missing, and so is the rest/],
    ["an empty line between", lines.toSpliced(8, 0, ""), 9, /^its line was altered or damaged$/],
    ["something after the last line", [...lines, "x"], 31, /^its line was altered or damaged$/],
    [
      "the last line missing",
      lines.slice(0, -1),
      undefined,
      /^the last line, which says where the chain ends, is missing/,
    ],
    ["the last line cut off", lines.with(-1, (lines.at(-1) ?? "").slice(0, 40)), undefined, /^the last line/],
  ])("%s: the first record that is not right is named", async (_, changed, seq, reason) => {
    const { problem } = await verify(joined(changed));
    expect(problem).toMatchObject({ seq, reason: expect.stringMatching(reason) });
  });

  test.each([
    ["nothing", "", /^the file is empty$/],
    ["no end of line at the end", good.slice(0, -1), /^the last line/],
    ["something else altogether", "a,b,c\n1,2,3\n", /./],
  ])("%s: the file is not taken for an export", async (_, text, reason) => {
    expect((await verify(text)).problem?.reason).toMatch(reason);
  });
});

describe("whoever rewrites", () => {
  test("one record and its hash is found out at the next", async () => {
    const content = (records[11]?.content ?? "").replace("applied", "refused");
    const resealed = makeChain(12, { 12: content })[11] as SealedRecord;
    const { problem } = await verify(exportOf(records.with(11, resealed), { checkpoints: [] }));
    expect(problem).toEqual({
      seq: 13,
      changeId: changeIdAt(13),
      reason: "it does not follow the record before it; one of the two was rewritten",
    });
  });

  test("a record and seals all that follows anew is found out by a checkpoint, and only by one", async () => {
    const rewritten = makeChain(30, { 12: (records[11]?.content ?? "").replace("applied", "refused") });
    expect((await verify(exportOf(rewritten))).problem).toBeUndefined();
    expect((await verify(exportOf(rewritten, { checkpoints }))).problem).toMatchObject({
      seq: 11,
      reason: expect.stringMatching(
        /^it or a later one up to 25 was rewritten: the checkpoint that was signed there at 2026-/,
      ),
    });
  });

  test("and signs with a key of their own is found out by whoever has the right one", async () => {
    const forger = newSigningKey();
    const rewritten = makeChain(30, { 12: "{}" });
    const forged = exportOf(rewritten, { checkpoints: [signAt(rewritten, 25, forger)] });
    expect((await verify(forged)).problem).toBeUndefined();
    expect((await verify(forged, [key.encoded])).problem?.reason).toMatch(
      /^the checkpoint of record 25 is signed with the key [0-9a-f]{16}, which is not one of the given keys$/,
    );
  });

  test("and puts the right key's name to it has no valid signature", async () => {
    const rewritten = makeChain(30, { 12: "{}" });
    const forged = { ...signAt(rewritten, 25, newSigningKey()), publicKey: key.encoded };
    expect((await verify(exportOf(rewritten, { checkpoints: [forged] }))).problem?.reason).toBe(
      "the checkpoint of record 25 has no valid signature",
    );
  });

  test("nothing but takes records off the end is found out by a checkpoint of one of them", async () => {
    const { problem } = await verify(exportOf(records.slice(0, 20), { checkpoints }));
    expect(problem).toMatchObject({ seq: 21, reason: "it is missing: a signed checkpoint names record 25" });
  });

  test("what came before a part is found out by the checkpoint at its beginning", async () => {
    const rewritten = makeChain(30, { 3: "{}" });
    const part = exportOf(rewritten, { since: 10, checkpoints: [signAt(records, 10, key)] });
    expect((await verify(part)).problem?.reason).toMatch(/^the part up to record 10 was rewritten: /);
    const emptyPart = exportOf(rewritten, { since: 30, checkpoints: [signAt(records, 30, key)] });
    expect((await verify(emptyPart)).problem?.reason).toMatch(/^the part up to record 30 was rewritten: /);
  });
});

test("a file that is not there is an error, and no verdict", async () => {
  await expect(verifyExport({ file: "/nowhere/record.jsonl", trustedKeys: undefined })).rejects.toMatchObject(
    {
      code: "ENOENT",
    },
  );
});

describe("a place that the record has to contain", () => {
  const hash = "a".repeat(64);

  test("is found wherever it is, also just before a part and at the start of all", async () => {
    const places = [GENESIS, placeOf(1), placeOf(17), placeOf(30)];
    expect((await verify(good, undefined, places)).problem).toBeUndefined();
    const part = exportOf(records, { since: 17 });
    expect((await verify(part, undefined, [placeOf(17), placeOf(30)])).problem).toBeUndefined();
    const empty = exportOf(records, { since: 30 });
    expect((await verify(empty, undefined, [placeOf(30)])).problem).toBeUndefined();
  });

  test.each([
    [
      { seq: 17, hash },
      { seq: 11 },
      "it or a later one up to 17 was rewritten: another hash is known for that place",
    ],
    [
      { seq: 31, hash },
      { seq: 31 },
      "it is missing: the record was known to reach record 31, and ends at 30",
    ],
    [
      { seq: 0, hash },
      { seq: undefined },
      "the part up to record 0 was rewritten: another hash is known for that place",
    ],
  ])("is missed where the record lacks it: %o", async (place, at, reason) => {
    expect((await verify(good, undefined, [placeOf(30), place])).problem).toMatchObject({ ...at, reason });
  });

  test("before the part that was exported is not passed over", async () => {
    const part = exportOf(records, { since: 17 });
    expect((await verify(part, undefined, [placeOf(16)])).problem?.reason).toBe(
      "record 16 was to be compared, and only those after record 17 were looked at",
    );
  });

  test("shows a tail that was cut together with its checkpoints", async () => {
    const cut = exportOf(records.slice(0, 20), { checkpoints: checkpoints.slice(0, 1) });
    expect((await verify(cut, [key.encoded])).problem).toBeUndefined();
    expect((await verify(cut, [key.encoded], [placeOf(30)])).problem).toMatchObject({ seq: 21 });
  });
});

test("a bogus checkpoint hides no record that was altered", async () => {
  const resealed = { ...(records[11] as SealedRecord), content: "{}" };
  const forged = signAt(records, 5, newSigningKey());
  const { problem } = await verify(exportOf(records.with(11, resealed), { checkpoints: [forged] }), [
    key.encoded,
  ]);
  expect(problem).toMatchObject({ seq: 12, reason: "its hash does not match its content" });
});
