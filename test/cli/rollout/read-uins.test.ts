import { describe, expect, test } from "vitest";
import { readUins } from "../../../src/cli/rollout/read-uins.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const ONE = "100021969091";
const TWO = "100021969092";
const LARGEST = "18446744073709551615";

const folder = await temporaryFolder();

/** Returns what the reader makes of a file with this content: its users, or the message of the error. */
async function read(content: string | Uint8Array): Promise<unknown> {
  const file = await folder.write("users.csv", content);
  try {
    return readUins(file);
  } catch (error) {
    return (error as Error).message.replaceAll(file, "FILE");
  }
}

const BOTH = { opUins: [ONE, TWO], repeated: 0 };

describe("a file of users", () => {
  test.each([
    ["with one Uin a line", `${ONE}\n${TWO}\n`],
    ["without an end of line", `${ONE}\n${TWO}`],
    ["with a byte order mark and the line ends of Windows", `\uFEFF${ONE}\r\n${TWO}\r\n`],
    ["with a byte order mark before a quoted name", `\uFEFF"opUin"\n${ONE}\n${TWO}\n`],
    ["with blanks and empty lines", `\n  ${ONE}\t\n\n   \n ${TWO} \n\n`],
    ["with quotes", `"${ONE}"\n "${TWO}" \n`],
    ["with other columns", `account,opUin,name\ndefault,${ONE},alice\ndefault,${TWO},bob\n`],
    ["with semicolons", `name;Uin\nalice;${ONE}\nbob;${TWO}\n`],
    ["with tabs", `OP_UIN\tname\n${ONE}\talice\n${TWO}\tbob\n`],
    ["with lines inside a quoted cell", `remark,opUin\n"two\nlines, one cell",${ONE}\n,${TWO}\n`],
    ["with empty cells after the last", `opUin\n${ONE},,\n,,\n${TWO}\n`],
  ])("%s is read", async (_name, content) => {
    expect(await read(content)).toEqual(BOTH);
  });

  test("has each user once, and the reader counts repetitions", async () => {
    expect(await read(`${TWO}\n${ONE}\n${TWO}\n${TWO}\n`)).toEqual({ opUins: [TWO, ONE], repeated: 2 });
  });

  test("keeps all digits of the largest Uin", async () => {
    expect(await read(`${LARGEST}\n`)).toEqual({ opUins: [LARGEST], repeated: 0 });
  });
});

describe("a mistake", () => {
  test.each([
    ["an empty file", "", "FILE has no Uin: it is empty."],
    ["only empty lines", "\n \n,,\n", "FILE has no Uin: it is empty."],
    ["only names of columns", "opUin\n", "FILE has no Uin: it has only the names of its columns."],
    [
      "columns without a name",
      `alice,${ONE}\n`,
      "FILE line 1 names no column opUin. Name the column with the Uins.",
    ],
    [
      "a quote that never ends",
      `opUin\n"${ONE}\n`,
      "FILE line 2 is not CSV: a quotation mark begins a cell and none ends it.",
    ],
    [
      "text after a quote",
      `opUin\n"${ONE}"x\n`,
      "FILE line 2 is not CSV: text follows the quotation mark that ends a cell.",
    ],
    [
      "a quote inside a cell",
      `opUin\n1"${ONE}\n`,
      "FILE line 2 is not CSV: a quotation mark stands inside a cell.",
    ],
    ["UTF-16", Buffer.from(`\uFEFF${ONE}\n`, "utf16le"), "FILE is UTF-16; save it as UTF-8."],
    ["GBK", Buffer.from([0x6f, 0x0a, 0xb0, 0xa2]), "FILE is not UTF-8 (line 2); save it as UTF-8."],
  ])("is explained: %s", async (_name, content, message) => {
    expect(await read(content)).toBe(message);
  });

  test("is named with its line, whatever stands before it", async () => {
    expect(await read(`remark,opUin\n"two\nlines",${ONE}\n\nempty,\nrounded,1.00022E+11\nzero,007\n`)).toBe(
      [
        "FILE has 3 lines without a Uin:",
        'line 5: The Uin is empty: send its digits, for example "100021969091".',
        'line 6: "1.00022E+11" was rounded by a spreadsheet. Format the column as text and enter the Uins again.',
        'line 7: "007" starts with a zero: send the Uin without leading zeros.',
      ].join("\n"),
    );
  });

  test("is one of ten that the message lists", async () => {
    const message = String(await read(`opUin\n${"x\n".repeat(12)}`));
    expect(message.split("\n")).toHaveLength(12);
    expect(message).toMatch(/^FILE has 12 lines without a Uin:\nline 2: .*\nand 2 more$/s);
  });

  test("is a file that does not exist", () => {
    expect(() => readUins("/nonexistent/users.csv")).toThrow(
      "/nonexistent/users.csv cannot be read (ENOENT).",
    );
  });

  test("is a file of more users than a rollout takes", async () => {
    const many = Array.from({ length: 100_001 }, (_, at) => 100_000_000_000 + at).join("\n");
    expect(await read(many)).toBe("FILE has 100001 users. A rollout takes 100000 at most: split the file.");
  });
});
