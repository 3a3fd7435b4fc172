import { writeFile } from "node:fs/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { type ChainHead, LEGACY, type SealedRecord } from "../../src/audit/chain.ts";
import { verifyExport } from "../../src/audit/verify-export.ts";
import type { RecordReport } from "../../src/audit/verify-record.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import {
  changeIdAt,
  exportOf,
  headOf,
  legacyExportOf,
  makeChain,
  NO_LEGACY,
  newSigningKey,
  signHeads,
  signLegacy,
} from "./make-chain.ts";

let file: string;

beforeAll(async () => {
  file = (await temporaryFolder()).at("record.jsonl");
});

async function verify(
  exported: string | Uint8Array,
  trustedKeys?: readonly string[],
  expected: readonly ChainHead[] = [],
): Promise<RecordReport> {
  await writeFile(file, exported);
  return verifyExport({ file, trustedKeys, expected });
}

const CHAIN = "account:default";
const key = newSigningKey();
const records = makeChain(30);
const others = makeChain(4, {}, { chain: "account:prod" });
const first = signHeads([headOf(records, 10), headOf(others, 2)], key);
const second = signHeads([headOf(records, 25), headOf(others)], key, first);
const checkpoints = [first, second];
const chains = [records, others];
const good = exportOf(chains, { checkpoints });
/** The lines before the first record: the header and two checkpoints. */
const BEFORE = 3;
const known: ChainHead = { chain: "checkpoints", seq: 2, hash: second.hash };

describe("an export as it was written", () => {
  test("is unbroken, and signed up to the last checkpoint", async () => {
    expect(await verify(good, [key.encoded], [known])).toMatchObject({
      records: 34,
      hidden: 0,
      chains: [
        { chain: LEGACY, last: 0 },
        { chain: CHAIN, last: 30, signed: 25 },
        { chain: "account:prod", last: 4, signed: 4 },
      ],
      signed: { number: 2, hash: second.hash },
      problem: undefined,
    });
    expect((await verify(good)).problem).toBeUndefined();
  });

  test("may begin after a checkpoint, or have no record", async () => {
    const starts = [{ chain: "checkpoints", seq: 0, hash: first.previousHash }, ...first.heads];
    const part = await verify(exportOf(chains, { starts, checkpoints }), [key.encoded]);
    expect(part).toMatchObject({ records: 22, signed: { number: 2 }, problem: undefined });
    expect(await verify(exportOf([]))).toMatchObject({ records: 0, signed: undefined, problem: undefined });
  });

  test("may be signed by one key after another", async () => {
    const next = newSigningKey();
    const both = exportOf(chains, { checkpoints: [first, signHeads(second.heads, next, first)] });
    expect((await verify(both, [key.encoded, next.encoded])).problem).toBeUndefined();
    expect((await verify(both, [key.encoded])).problem?.reason).toMatch(
      /^checkpoint 2 is signed with the key/,
    );
  });

  test("may have a byte order mark from an editor", async () => {
    expect(await verify(`\uFEFF${good}`, [key.encoded])).toMatchObject({ records: 34, problem: undefined });
    expect((await verify(`\uFEFF\uFEFF${good}`)).problem).toBeDefined();
  });

  test("is rejected as UTF-16, without a report of an altered record", async () => {
    const rewritten = Buffer.from(`\uFEFF${good}`, "utf16le");
    await expect(verify(rewritten)).rejects.toThrow("is UTF-16; save it as UTF-8");
  });

  test("may be larger than one chunk of the file", async () => {
    const large = makeChain(40, { 20: `{"id": "${changeIdAt(20)}", "note": "${"手".repeat(100_000)}"}` });
    expect(await verify(exportOf([large]))).toMatchObject({ records: 40, problem: undefined });
  });
});

describe("an export of a part", () => {
  const shown = new Set([3, 12]);
  const part = exportOf(chains, {
    checkpoints,
    shows: ({ chain, seq }) => chain === CHAIN && shown.has(seq),
  });

  test("proves the records that it shows, and hides the content of the others", async () => {
    expect(await verify(part, [key.encoded], [known])).toMatchObject({
      records: 34,
      hidden: 32,
      problem: undefined,
    });
    expect(part).toContain(changeIdAt(12));
    expect(part).not.toContain(changeIdAt(13));
  });

  test.each([
    ["a shown record", '"opUin\\": \\"100012\\"', '"opUin\\": \\"100013\\"', 12],
    [
      "a digest",
      `"seq":13,"previousHash":"${records[12]?.previousHash}"`,
      `"seq":13,"previousHash":"${"a".repeat(64)}"`,
      13,
    ],
    [
      "the digest of a hidden record",
      `"digest":"${records[19]?.digest}"`,
      `"digest":"${records[20]?.digest}"`,
      20,
    ],
  ])("does not verify with an altered %s", async (_, from, to, seq) => {
    expect(part).toContain(from);
    expect((await verify(part.replace(from, to))).problem).toMatchObject({ chain: CHAIN, seq });
  });
});

/** The owner of each byte of an export: the number of the record of the first chain, or undefined in other lines. */
function ownersOf(exported: string, before: number): (number | undefined)[] {
  const lines = exported.split(/(?<=\n)/);
  return lines.flatMap((line, index) => {
    const isRecord = index >= before && index < lines.length - 1;
    return Array.from({ length: Buffer.byteLength(line) }, () => (isRecord ? index - before + 1 : undefined));
  });
}

async function expectNoticed(
  exported: string,
  before: number,
  position: number,
  mask: number,
): Promise<void> {
  const bytes = Buffer.from(exported);
  bytes[position] = (bytes[position] ?? 0) ^ mask;
  const { problem } = await verify(bytes, [key.encoded]);
  const told = `byte ${position} xor ${mask}`;
  const owner = ownersOf(exported, before)[position];
  expect(problem, told).toBeDefined();
  // Without the first bytes of its line, the first record could be a checkpoint.
  if (owner === 1) expect([owner, undefined], told).toContain(problem?.seq);
  else if (owner !== undefined) expect(problem?.seq, told).toBe(owner);
}

describe("a changed byte", () => {
  // The places are the same in every run, so that a failure can be reproduced.
  test("is detected at each of 200 places, and the report names the record", async () => {
    const exported = exportOf([records], { checkpoints: [signHeads([headOf(records, 25)], key)] });
    let draw = 42;
    const next = (): number => {
      draw = (draw * 1_103_515_245 + 12_345) % 2 ** 31;
      return draw / 2 ** 31;
    };
    const size = Buffer.byteLength(exported);
    for (let i = 0; i < 200; i++) {
      await expectNoticed(exported, 2, Math.floor(next() * size), 1 + Math.floor(next() * 255));
    }
  });

  test("is detected at every place", async () => {
    const small = makeChain(1);
    const exported = exportOf([small], { checkpoints: [signHeads([headOf(small)], key)] });
    for (let position = 0; position < Buffer.byteLength(exported); position++) {
      await expectNoticed(exported, 2, position, position % 2 === 0 ? 1 : 0x20);
    }
  });

  test("leads to a report with the change's id if that is still readable", async () => {
    const { problem } = await verify(good.replace('"opUin\\": \\"10007\\"', '"opUin\\": \\"10008\\"'));
    expect(problem).toEqual({
      chain: CHAIN,
      seq: 7,
      id: changeIdAt(7),
      reason: "its hash does not match its content",
    });
  });

  test.each([
    ["an extra space", (text: string) => text.replace('","seq":5,', '","seq": 5,')],
    [
      "another spelling of a character",
      (text: string) => text.replace('","seq":5,"pre', '","seq":5,"\\u0070re'),
    ],
    ["a duplicate key", (text: string) => text.replace('","seq":5,', '","seq":5,"seq":5,')],
    ["an extra key", (text: string) => text.replace('","seq":5,', '","note":"x","seq":5,')],
    [
      "another order of keys",
      (text: string) =>
        text.replace('{"chain":"account:default","seq":5', '{"seq":5,"chain":"account:default"'),
    ],
    [
      "a different end of line",
      (text: string) =>
        text.replace('\n{"chain":"account:default","seq":6,', '\r\n{"chain":"account:default","seq":6,'),
    ],
  ])("that leaves the values as they are is noticed: %s", async (_, change) => {
    const { problem } = await verify(change(good));
    expect(problem).toEqual({
      chain: CHAIN,
      seq: 5,
      id: changeIdAt(5),
      reason: "its line was altered or damaged",
    });
  });
});

describe("lines", () => {
  const lines = good.trimEnd().split("\n");
  const at = (seq: number) => BEFORE + seq - 1;
  const joined = (some: readonly (string | undefined)[]): string => `${some.join("\n")}\n`;

  test.each([
    [
      "a line missing in the middle",
      lines.toSpliced(at(12), 1),
      12,
      /^it is missing or out of its place: record 13 is there instead$/,
    ],
    [
      "the first record missing",
      lines.toSpliced(at(1), 1),
      1,
      /^it is missing or out of its place: record 2 is there instead$/,
    ],
    [
      "two lines swapped",
      lines.with(at(5), lines[at(6)] ?? "").with(at(6), lines[at(5)] ?? ""),
      5,
      /record 6 is there instead/,
    ],
    ["a duplicate line", lines.toSpliced(at(9), 0, lines[at(8)] ?? ""), 9, /record 8 is there instead/],
    [
      "the last record of a chain missing",
      lines.toSpliced(at(30), 1),
      30,
      /^it is missing, and so is the rest: the chain ends at 30$/,
    ],
    ["several lines at the end of a chain missing", lines.toSpliced(at(21), 10), 21, /^it is missing/],
    ["an empty line between", lines.toSpliced(at(9), 0, ""), 9, /^its line was altered or damaged$/],
    ["a checkpoint missing", lines.toSpliced(1, 1), 2, /^it does not follow checkpoint 1, which is missing/],
    ["text after the last line", [...lines, "x"], undefined, /^line 38 was altered or damaged$/],
    [
      "the last line missing",
      lines.slice(0, -1),
      undefined,
      /^the last line, which says where the chains end, is missing/,
    ],
    ["the first line cut off", lines.with(0, (lines[0] ?? "").slice(0, 40)), undefined, /^the first line/],
  ])("%s: verification names the first bad record", async (_, changed, seq, reason) => {
    const { problem } = await verify(joined(changed));
    expect(problem).toMatchObject({ seq, reason: expect.stringMatching(reason) });
  });

  test.each([
    ["nothing", "", /^the file is empty$/],
    ["no line feed at the end", good.slice(0, -1), /./],
    ["a different format", "a,b,c\n1,2,3\n", /./],
  ])("%s: the file is not accepted as an export", async (_, text, reason) => {
    expect((await verify(text)).problem?.reason).toMatch(reason);
  });
});

describe("a person who rewrites", () => {
  test("one record and its hash is detected at the next record", async () => {
    const content = (records[11]?.content ?? "").replace("applied", "refused");
    const resealed = makeChain(12, { 12: content })[11] as SealedRecord;
    const { problem } = await verify(exportOf([records.with(11, resealed)]));
    expect(problem).toMatchObject({
      seq: 13,
      reason: expect.stringMatching(/^it does not follow the record before/),
    });
  });

  test("a record and seals the later records again is detected only by a checkpoint", async () => {
    const rewritten = makeChain(30, { 12: (records[11]?.content ?? "").replace("applied", "refused") });
    expect((await verify(exportOf([rewritten, others]))).problem).toBeUndefined();
    expect((await verify(exportOf([rewritten, others], { checkpoints }))).problem).toMatchObject({
      seq: 11,
      reason: expect.stringMatching(
        /^it or a later one up to 25 was rewritten: the checkpoint that was signed there/,
      ),
    });
  });

  test("and signs with another key is detected with the trusted public key", async () => {
    const forged = exportOf([makeChain(30, { 12: "{}" })], {
      checkpoints: [signHeads([headOf(makeChain(30, { 12: "{}" }), 25)], newSigningKey())],
    });
    expect((await verify(forged)).problem).toBeUndefined();
    expect((await verify(forged, [key.encoded])).problem?.reason).toMatch(
      /^checkpoint 1 is signed with the key [0-9a-f]{16}, which is not one of the given keys$/,
    );
  });

  test("and names the trusted key has no valid signature", async () => {
    const forged = { ...signHeads([headOf(records)], newSigningKey()), publicKey: key.encoded };
    expect((await verify(exportOf([records], { checkpoints: [forged] }))).problem?.reason).toBe(
      "checkpoint 1 has no valid signature",
    );
  });

  test("nothing but removes records at the end is detected by a checkpoint of a removed record", async () => {
    const { problem } = await verify(exportOf([records.slice(0, 20), others], { checkpoints }));
    expect(problem).toMatchObject({
      seq: 21,
      reason: "it is missing: the chain was known to reach record 25, and ends at 20",
    });
  });

  test("and drops a whole chain is detected by a checkpoint that lists it", async () => {
    expect((await verify(exportOf([records], { checkpoints }))).problem).toEqual({
      chain: "account:prod",
      seq: undefined,
      id: undefined,
      reason: "the whole chain is missing, and it was known to exist",
    });
  });

  test("the account of two chains is detected by their start", async () => {
    const swapped = others.map((record) => ({ ...record, chain: "account:stage" }));
    expect((await verify(exportOf([swapped]))).problem).toMatchObject({
      chain: "account:stage",
      seq: 1,
      reason: expect.stringMatching(/^it does not follow the start of this chain/),
    });
    // The owner of the database can seal a record of one account into the chain of another.
    const foreign = makeChain(1, { 1: others[0]?.content ?? "" });
    expect((await verify(exportOf([foreign]))).problem?.reason).toBe(
      "it belongs to another chain, that of the account prod",
    );
  });

  test("a checkpoint and the link to it cannot sign the next one", async () => {
    const other = signHeads([headOf(records, 10)], newSigningKey());
    expect(
      (await verify(exportOf(chains, { checkpoints: [other, second] }), [key.encoded])).problem,
    ).toMatchObject({
      chain: "checkpoints",
      seq: 2,
      reason: "it does not follow checkpoint 1, which is missing or was rewritten",
    });
  });

  test("the records before a part is detected by the checkpoint at the start of the part", async () => {
    const rewritten = makeChain(30, { 3: "{}" });
    const starts = [headOf(rewritten, 10)];
    const part = exportOf([rewritten], { starts, checkpoints: [signHeads([headOf(records, 10)], key)] });
    expect((await verify(part)).problem?.reason).toMatch(/^the part up to record 10 was rewritten: /);
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

  test("is found anywhere", async () => {
    const places = [headOf(records, 1), headOf(records, 17), headOf(records), headOf(others), known];
    expect((await verify(good, undefined, places)).problem).toBeUndefined();
  });

  test.each<[ChainHead, object, string]>([
    [
      { chain: CHAIN, seq: 17, hash },
      { seq: 11 },
      "it or a later one up to 17 was rewritten: another hash is known for that place",
    ],
    [
      { chain: CHAIN, seq: 31, hash },
      { seq: 31 },
      "it is missing: the chain was known to reach record 31, and ends at 30",
    ],
    [
      { chain: "account:gone", seq: 1, hash },
      { chain: "account:gone" },
      "the whole chain is missing, and it was known to exist",
    ],
    [
      { ...known, seq: 3 },
      { chain: "checkpoints", seq: 3 },
      "it is missing: the record was known to reach checkpoint 3, and ends at 2",
    ],
    [
      { ...known, hash },
      { chain: "checkpoints", seq: 2 },
      "another hash is known for that place, or it is missing",
    ],
  ])("is missed where the record lacks it: %o", async (place, at, reason) => {
    expect((await verify(good, undefined, [headOf(records), place])).problem).toMatchObject({
      ...at,
      reason,
    });
  });

  test("and lies before the exported part is reported", async () => {
    const part = exportOf([records], { starts: [headOf(records, 17)] });
    expect((await verify(part, undefined, [headOf(records, 16)])).problem?.reason).toBe(
      "record 16 was to be compared, and only those after record 17 were looked at",
    );
  });

  test("shows a tail that was cut together with its checkpoints", async () => {
    const cut = exportOf([records.slice(0, 20), others], { checkpoints: [first] });
    expect((await verify(cut, [key.encoded])).problem).toBeUndefined();
    expect((await verify(cut, [key.encoded], [known])).problem).toMatchObject({
      chain: "checkpoints",
      seq: 2,
    });
  });
});

test("a bogus checkpoint does not hide an altered record", async () => {
  const resealed = { ...(records[11] as SealedRecord), content: "{}" };
  const { problem } = await verify(
    exportOf([records.with(11, resealed)], {
      checkpoints: [signHeads([headOf(records, 5)], newSigningKey())],
    }),
    [key.encoded],
  );
  expect(problem).toMatchObject({ seq: 12, reason: "its hash does not match its content" });
});

describe("the chain legacy", () => {
  const legacy = makeChain(30, {}, { chain: LEGACY });
  const signed = [signLegacy(headOf(legacy, 10), key), signLegacy(headOf(legacy, 25), key)];
  const legacyEnd = headOf(legacy).hash;

  test("in an export of an earlier release is verified as before", async () => {
    const old = legacyExportOf(legacy, { checkpoints: signed });
    const report = await verify(old, [key.encoded], [headOf(legacy, 17)]);
    expect(report).toMatchObject({
      records: 30,
      chains: [{ chain: LEGACY, signed: 25 }],
      problem: undefined,
    });
    const part = await verify(legacyExportOf(legacy, { since: 10, checkpoints: signed }), [key.encoded]);
    expect(part).toMatchObject({ records: 20, problem: undefined });
    const resealed = makeChain(30, { 12: "{}" }, { chain: LEGACY });
    expect((await verify(legacyExportOf(resealed, { checkpoints: signed }))).problem).toMatchObject({
      chain: LEGACY,
      seq: 11,
      reason: expect.stringMatching(/was rewritten/),
    });
    const cut = await verify(legacyExportOf(legacy.slice(0, 20), { checkpoints: signed }));
    expect(cut.problem).toMatchObject({ seq: 21, reason: expect.stringMatching(/^it is missing/) });
    for (const changed of [
      old.replace('"seq":5', '"seq": 5'),
      old.slice(0, -1),
      old.split("\n").toSpliced(3, 1).join("\n"),
    ]) {
      expect((await verify(changed)).problem).toBeDefined();
    }
  });

  test("is the start of the other chains, and its own signatures count", async () => {
    const later = makeChain(2, {}, { chain: CHAIN, legacyEnd });
    const whole = exportOf([legacy, later], { legacyEnd, legacyCheckpoints: signed });
    expect(await verify(whole, [key.encoded])).toMatchObject({
      records: 32,
      chains: [
        { chain: LEGACY, last: 30, signed: 25 },
        { chain: CHAIN, last: 2, signed: 0 },
      ],
      problem: undefined,
    });
    const forged = makeChain(2, {}, { chain: CHAIN, legacyEnd: NO_LEGACY });
    expect((await verify(exportOf([legacy, forged], { legacyEnd }))).problem).toMatchObject({
      chain: CHAIN,
      seq: 1,
    });
    const longer = makeChain(31, {}, { chain: LEGACY });
    expect((await verify(exportOf([longer, later], { legacyEnd }))).problem?.reason).toBe(
      "the first and the last line differ about the end of legacy",
    );
  });
});
