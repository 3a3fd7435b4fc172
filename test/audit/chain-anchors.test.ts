import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { ChainAnchors, readAnchorFile, writeAnchorFile } from "../../src/audit/chain-anchors.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

let folder: string;
let file: string;
let shared: string[];

beforeEach(async () => {
  folder = (await temporaryFolder()).path;
  file = join(folder, "anchor.json");
  shared = [];
});

function placeAt(seq: number, digit = "a") {
  return { seq, hash: digit.repeat(64) };
}

function open(): Promise<ChainAnchors> {
  return ChainAnchors.open({ file, report: (_, fields) => shared.push((fields as { file: string }).file) });
}

describe("anchors of chains", () => {
  test("are kept in memory and in the file, separately for each chain", async () => {
    const anchors = await open();
    expect(await anchors.placesOf("one")).toEqual([]);
    await anchors.keep("one", placeAt(3));
    await anchors.keep("two", placeAt(7));
    expect(await anchors.placesOf("one")).toEqual([placeAt(3), placeAt(3)]);
    expect(await (await open()).placesOf("two")).toEqual([placeAt(7)]);
    expect(shared).toEqual([]);
  });

  test("are kept in memory only if no file is configured", async () => {
    const anchors = await ChainAnchors.open({ file: undefined });
    await anchors.keep("one", placeAt(3));
    expect(await anchors.placesOf("one")).toEqual([placeAt(3)]);
    expect(await readdir(folder)).toEqual([]);
  });

  test("of two replicas with one file: the file never goes back, and both replicas report the mistake", async () => {
    const [one, other] = [await open(), await open()];
    await one.keep("chain", placeAt(5));
    await other.keep("chain", placeAt(4, "b"));
    expect((await readAnchorFile(file)).get("chain")).toEqual(placeAt(5));
    // Both places have to be in the record.
    expect(await other.placesOf("chain")).toEqual([placeAt(4, "b"), placeAt(5)]);
    await other.keep("chain", placeAt(6));
    await one.placesOf("chain");
    await one.placesOf("chain");
    expect(shared).toEqual([file, file]);
  });

  test("survive the deletion of the file", async () => {
    const anchors = await open();
    await anchors.keep("chain", placeAt(5));
    await rm(file);
    expect(await anchors.placesOf("chain")).toEqual([placeAt(5)]);
    await anchors.keep("chain", placeAt(5));
    expect((await readAnchorFile(file)).get("chain")).toEqual(placeAt(5));
  });

  test("stay unchanged if the file cannot be written", async () => {
    const anchors = await open();
    await anchors.keep("chain", placeAt(5));
    await rm(folder, { recursive: true });
    await expect(anchors.keep("chain", placeAt(6))).rejects.toMatchObject({ name: "AnchorFileError" });
    expect(await anchors.placesOf("chain")).toEqual([placeAt(5)]);
    await mkdir(folder);
  });
});

describe("the file", () => {
  test("is readable only by its owner, is replaced as a whole, and leaves no other file behind", async () => {
    await writeFile(file, JSON.stringify({ chains: { chain: placeAt(1) } }));
    await writeAnchorFile(file, new Map([["chain", placeAt(2)]]));
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(["anchor.json"]);
    expect(await readFile(file, "utf8")).toBe(`{"chains":{"chain":{"seq":2,"hash":"${"a".repeat(64)}"}}}\n`);
  });

  test("may begin with a byte order mark", async () => {
    await writeFile(file, `\uFEFF${JSON.stringify({ chains: { chain: placeAt(1) } })}`);
    expect((await readAnchorFile(file)).get("chain")).toEqual(placeAt(1));
  });

  test.each([
    ["nothing", ""],
    ["blanks", " \n"],
    ["a truncated text", '{"chains":{"chain":{"seq":3,'],
    ["no chains", "{}"],
    ["a list", "[]"],
    ["null", "null"],
    ["a malformed hash", '{"chains":{"chain":{"seq":3,"hash":"abc"}}}'],
    ["a negative number", `{"chains":{"chain":{"seq":-3,"hash":"${"a".repeat(64)}"}}}`],
    [
      "a number that is too large to be exact",
      `{"chains":{"chain":{"seq":1e300,"hash":"${"a".repeat(64)}"}}}`,
    ],
    ["another field", '{"chains":{},"more":1}'],
  ])("with %s in it is refused, and is left as it is", async (_, text) => {
    await writeFile(file, text);
    await expect(open()).rejects.toThrow(
      /^The anchor file \S+ is damaged, or is not an anchor file\. Verify/,
    );
    expect(await readFile(file)).toEqual(Buffer.from(text));
  });

  test("that is not UTF-8 is refused", async () => {
    await writeFile(file, Buffer.from([0x7b, 0xff, 0x7d]));
    await expect(open()).rejects.toThrow(/^The anchor file \S+ is not UTF-8 \(line 1\); save it as UTF-8\.$/);
  });

  test("that is a folder, or whose folder does not exist, is refused", async () => {
    await mkdir(file);
    await expect(open()).rejects.toThrow(/^The anchor file \S+ cannot be read \(EISDIR\)\.$/);
    file = join(folder, "nowhere", "anchor.json");
    await expect(open()).rejects.toThrow(/^The anchor file \S+ cannot be written \(ENOENT\)\./);
  });
});
