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

  test("may contain a part of the chain, or no record", async () => {
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

  test("may have a byte order mark from an editor", async () => {
    const report = await verify(`\uFEFF${good}`, [key.encoded]);
    expect(report).toMatchObject({ first: 1, last: 30, signed: checkpoints[1], problem: undefined });
    expect((await verify(`\uFEFF\uFEFF${good}`)).problem).toMatchObject({ seq: 1 });
  });

  test("is rejected as UTF-16, without a report of an altered record", async () => {
    const rewritten = Buffer.from(`\uFEFF${good}`, "utf16le");
    await expect(verify(rewritten)).rejects.toThrow("is UTF-16; save it as UTF-8");
  });

  test("may be larger than one chunk of the file", async () => {
    const large = makeChain(40, { 20: `{"id": "${changeIdAt(20)}", "note": "${"手".repeat(100_000)}"}` });
    expect(await verify(exportOf(large))).toMatchObject({ last: 40, problem: undefined });
  });
});

/** The owner of each byte of an export: the number of the record, or undefined in the last line. */
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
  // The last line belongs to no record; a wrong end there can also look like missing records.
  if (owner === undefined) expect(problem?.seq === undefined || problem.seq > last, told).toBe(true);
  else expect(problem?.seq, told).toBe(owner);
}

describe("a changed byte", () => {
  // The places are the same in every run, so that a failure can be reproduced.
  test("is detected at each of 200 places, and the report names the record", async () => {
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

  test("is detected at every place", async () => {
    const small = makeChain(1);
    const exported = exportOf(small, { checkpoints: [signAt(small, 1, key)] });
    for (let position = 0; position < Buffer.byteLength(exported); position++) {
      await expectNoticed(exported, position, position % 2 === 0 ? 1 : 0x20);
    }
  });

  test("leads to a report with the change's id if that is still readable", async () => {
    const { problem } = await verify(good.replace('"opUin\\": \\"10007\\"', '"opUin\\": \\"10008\\"'));
    expect(problem).toEqual({
      seq: 7,
      changeId: changeIdAt(7),
      reason: "its hash does not match its content",
    });
  });

  test.each([
    ["an extra space", (text: string) => text.replace('{"seq":5,', '{"seq": 5,')],
    [
      "another spelling of a character",
      (text: string) => text.replace('{"seq":5,"previousHash":"', '{"seq":5,"\\u0070reviousHash":"'),
    ],
    ["a duplicate key", (text: string) => text.replace('{"seq":5,', '{"seq":5,"seq":5,')],
    ["an extra key", (text: string) => text.replace('{"seq":5,', '{"note":"x","seq":5,')],
    ["a different end of line", (text: string) => text.replace('\n{"seq":6,', '\r\n{"seq":6,')],
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
    ["a duplicate line", lines.toSpliced(8, 0, lines[7] ?? ""), 9, /record 8 is there instead/],
    [
      "the last record missing",
      lines.toSpliced(29, 1),
      30,
      /^it is missing, and so is the rest: the chain ends at 30$/,
    ],
    ["several lines at the end missing", lines.toSpliced(20, 10), 21, /^it is missing, and so is the rest/],
    ["an empty line between", lines.toSpliced(8, 0, ""), 9, /^its line was altered or damaged$/],
    ["text after the last line", [...lines, "x"], 31, /^its line was altered or damaged$/],
    [
      "the last line missing",
      lines.slice(0, -1),
      undefined,
      /^the last line, which says where the chain ends, is missing/,
    ],
    ["the last line cut off", lines.with(-1, (lines.at(-1) ?? "").slice(0, 40)), undefined, /^the last line/],
  ])("%s: verification names the first bad record", async (_, changed, seq, reason) => {
    const { problem } = await verify(joined(changed));
    expect(problem).toMatchObject({ seq, reason: expect.stringMatching(reason) });
  });

  test.each([
    ["nothing", "", /^the file is empty$/],
    ["no line feed at the end", good.slice(0, -1), /^the last line/],
    ["a different format", "a,b,c\n1,2,3\n", /./],
  ])("%s: the file is not accepted as an export", async (_, text, reason) => {
    expect((await verify(text)).problem?.reason).toMatch(reason);
  });
});

describe("a person who rewrites", () => {
  test("one record and its hash is detected at the next record", async () => {
    const content = (records[11]?.content ?? "").replace("applied", "refused");
    const resealed = makeChain(12, { 12: content })[11] as SealedRecord;
    const { problem } = await verify(exportOf(records.with(11, resealed), { checkpoints: [] }));
    expect(problem).toEqual({
      seq: 13,
      changeId: changeIdAt(13),
      reason: "it does not follow the record before it; one of the two was rewritten",
    });
  });

  test("a record and seals the later records again is detected only by a checkpoint", async () => {
    const rewritten = makeChain(30, { 12: (records[11]?.content ?? "").replace("applied", "refused") });
    expect((await verify(exportOf(rewritten))).problem).toBeUndefined();
    expect((await verify(exportOf(rewritten, { checkpoints }))).problem).toMatchObject({
      seq: 11,
      reason: expect.stringMatching(
        /^it or a later one up to 25 was rewritten: the checkpoint that was signed there at 2026-/,
      ),
    });
  });

  test("and signs with another key is detected with the trusted public key", async () => {
    const forger = newSigningKey();
    const rewritten = makeChain(30, { 12: "{}" });
    const forged = exportOf(rewritten, { checkpoints: [signAt(rewritten, 25, forger)] });
    expect((await verify(forged)).problem).toBeUndefined();
    expect((await verify(forged, [key.encoded])).problem?.reason).toMatch(
      /^the checkpoint of record 25 is signed with the key [0-9a-f]{16}, which is not one of the given keys$/,
    );
  });

  test("and names the trusted key has no valid signature", async () => {
    const rewritten = makeChain(30, { 12: "{}" });
    const forged = { ...signAt(rewritten, 25, newSigningKey()), publicKey: key.encoded };
    expect((await verify(exportOf(rewritten, { checkpoints: [forged] }))).problem?.reason).toBe(
      "the checkpoint of record 25 has no valid signature",
    );
  });

  test("nothing but removes records at the end is detected by a checkpoint of a removed record", async () => {
    const { problem } = await verify(exportOf(records.slice(0, 20), { checkpoints }));
    expect(problem).toMatchObject({ seq: 21, reason: "it is missing: a signed checkpoint names record 25" });
  });

  test("the records before a part is detected by the checkpoint at the start of the part", async () => {
    const rewritten = makeChain(30, { 3: "{}" });
    const part = exportOf(rewritten, { since: 10, checkpoints: [signAt(records, 10, key)] });
    expect((await verify(part)).problem?.reason).toMatch(/^the part up to record 10 was rewritten: /);
    const emptyPart = exportOf(rewritten, { since: 30, checkpoints: [signAt(records, 30, key)] });
    expect((await verify(emptyPart)).problem?.reason).toMatch(/^the part up to record 30 was rewritten: /);
  });
});

test("a missing file is an error, and not a verdict", async () => {
  await expect(verifyExport({ file: "/nowhere/record.jsonl", trustedKeys: undefined })).rejects.toMatchObject(
    {
      code: "ENOENT",
    },
  );
});

describe("a place that the record has to contain", () => {
  const hash = "a".repeat(64);

  test("is found anywhere, also just before a part and at the start of the chain", async () => {
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

  test("and lies before the exported part is reported", async () => {
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

test("a bogus checkpoint does not hide an altered record", async () => {
  const resealed = { ...(records[11] as SealedRecord), content: "{}" };
  const forged = signAt(records, 5, newSigningKey());
  const { problem } = await verify(exportOf(records.with(11, resealed), { checkpoints: [forged] }), [
    key.encoded,
  ]);
  expect(problem).toMatchObject({ seq: 12, reason: "its hash does not match its content" });
});
