import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { sql } from "kysely";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { AuditEvents } from "../../src/audit/audit-events.ts";
import { writeAnchorFile } from "../../src/audit/chain-anchors.ts";
import { ChangeStore } from "../../src/audit/change-store.ts";
import { readHeads } from "../../src/audit/read-record.ts";
import type { Database } from "../../src/database/database.ts";
import { readMigrations } from "../../src/database/migrate.ts";
import { lockDataDir } from "../../src/database/pglite-folder.ts";
import { MIGRATIONS_DIR } from "../../src/gateway/package-paths.ts";
import { APPLIED, FRESH, intentOf } from "../audit/intent-of.ts";
import { newSigningKey } from "../audit/make-chain.ts";
import { buildGateway, PROGRAM } from "../support/gateway-process.ts";
import { createTestPostgres, openTestPostgres } from "../support/open-test-database.ts";
import { recomputeHashes, rewriteRecord } from "../support/rewrite-record.ts";
import { runCommand } from "./run-command.ts";

const MIGRATIONS = (await readMigrations(MIGRATIONS_DIR)).map(({ name }) => name);

const NOT_COMPARED =
  "Not compared with an earlier place (--expect), so records that were cut from the end do not show.\n";

let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "cli-"));
  return () => rm(dir, { recursive: true });
});

async function recorded(count: number): Promise<{ url: string; database: Database; ids: string[] }> {
  const url = await createTestPostgres();
  const database = await openTestPostgres(url);
  const log = new ChangeStore({ database, replica: "replica-1" });
  const ids: string[] = [];
  for (let i = 0; i < count; i++) {
    const { id } = await log.begin(intentOf(), FRESH);
    await log.settle(id, APPLIED);
    ids.push(id);
  }
  return { url, database, ids };
}

describe("migrate", () => {
  test("reports the applied migrations, and nothing on the second run", async () => {
    const env = { DATABASE_URL: await createTestPostgres({ empty: true }) };
    const first = await runCommand("migrate", [], env);
    expect(first).toMatchObject({ code: 0, stderr: "" });
    const { username, password, host, pathname } = new URL(env.DATABASE_URL);
    const name = `${username}@${host}${pathname}`;
    const done = MIGRATIONS.map((migration) => `Applied ${migration} to ${name}.\n`);
    expect(first.stdout).toBe(done.join(""));
    expect(await runCommand("migrate", [], env)).toEqual({
      code: 0,
      stdout: `Nothing to do: ${name} is up to date.\n`,
      stderr: "",
    });
    expect(password).not.toBe("");
    expect(name).not.toContain(password);
  });

  test("prints no parameters of the address", async () => {
    const url = new URL(await createTestPostgres());
    url.searchParams.set("password", url.password);
    url.password = "";
    const { stdout } = await runCommand("migrate", [], { DATABASE_URL: url.href });
    expect(stdout).toBe(`Nothing to do: ${url.username}@${url.host}${url.pathname} is up to date.\n`);
  });

  test("runs nothing for --help or an unknown argument", async () => {
    const env = { DATA_DIR: join(dir, "data") };
    expect(await runCommand("migrate", ["--help"], env)).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^Usage: cam-gateway migrate /),
      stderr: "",
    });
    for (const [word, stderr] of [
      ["--dry-run", "Unknown option '--dry-run'. Try --help.\n"],
      ["now", "Too many arguments for 'migrate'. Expected 0 arguments but got 1. Try --help.\n"],
    ] as const) {
      expect(await runCommand("migrate", [word], env)).toEqual({ code: 2, stdout: "", stderr });
    }
    expect(await readdir(dir)).toEqual([]);
  });

  test("creates a missing data folder with every migration, and other commands read it", async () => {
    const env = { DATA_DIR: join(dir, "data") };
    const { code, stdout } = await runCommand("migrate", [], env);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: `Nothing to do: the folder ${env.DATA_DIR} is up to date.\n`,
    });
    expect(await runCommand("audit verify", ["--database"], env)).toMatchObject({
      code: 0,
      stdout: `OK: no record was examined.\n${NOT_COMPARED}`,
    });
  });
});

describe("audit export", () => {
  test("writes the same bytes to standard output and to a file that only its owner can read", async () => {
    const env = { DATABASE_URL: (await recorded(3)).url };
    const out = join(dir, "record.jsonl");
    expect(await runCommand("audit export", ["--out", out], env)).toEqual({
      code: 0,
      stdout: `Written to ${out}.\n`,
      stderr: "",
    });
    expect((await stat(out)).mode & 0o777).toBe(0o600);
    const { stdout } = await runCommand("audit export", [], env);
    const [written, printed] = [await readFile(out, "utf8"), stdout].map((text) => text.split("\n"));
    expect(written).toHaveLength(6);
    // The second export has the event of the first one before its last line.
    expect(printed).toHaveLength(7);
    expect(printed?.slice(0, 4)).toEqual(written?.slice(0, 4));
    expect(printed?.[4]).toContain('{"chain":"gateway","seq":1,');
    expect(await runCommand("audit export", ["--since", "2"], env)).toEqual({
      code: 2,
      stdout: expect.any(String),
      stderr: "The record has no checkpoint 2.\n",
    });
  });

  test("writes CSV and JSON lines for people, and seals which rows it exported", async () => {
    const { url, database, ids } = await recorded(2);
    const env = { DATABASE_URL: url };
    const jsonl = await runCommand("audit export", ["--format", "jsonl", "--change", ids[1] ?? ""], env);
    expect(jsonl).toMatchObject({ code: 0, stderr: "" });
    expect(jsonl.stdout.split("\n").map((line) => line && JSON.parse(line).id)).toEqual([ids[1], ""]);
    const out = join(dir, "record.csv");
    const args = ["--format", "csv", "--from", "2020-01-01", "--until", "2020-12-31T12:00:00+08:00"];
    const said = await runCommand("audit export", [...args, "--out", out, "--json"], env);
    expect(JSON.parse(said.stdout)).toEqual({
      ...{ command: "audit export", exitCode: 0 },
      result: { file: out, format: "csv" },
    });
    expect(await readFile(out, "utf8")).toMatch(/^\uFEFFat,kind,account,opUin,[\w,]+\r\n$/);
    const [event] = await new AuditEvents(database).list({ kind: "export" }, 1);
    expect(event?.details).toEqual({
      ...{ format: "csv", since: 0 },
      ...{ from: "2020-01-01T00:00:00.000Z", until: "2020-12-31T04:00:00.000Z" },
    });
  });

  test.each([
    [["--json"], "--json needs --out FILE: without it, standard output has the export."],
    [["--from", "2026-01-01"], "--from and --until need --format csv or jsonl."],
    [["--format", "csv", "--since", "3"], "--since needs the verifiable format."],
    [["--format", "xlsx"], "Allowed choices are verifiable, csv, jsonl"],
    [["--format", "csv", "--until", "tomorrow"], "Give a date such as 2026-01-31"],
  ])("refuses %s", async (args, message) => {
    const { code, stdout, stderr } = await runCommand("audit export", args, { DATA_DIR: "/nowhere" });
    expect({ code, text: stdout + stderr }).toEqual({ code: 2, text: expect.stringContaining(message) });
  });

  test("does not overwrite a file", async () => {
    const out = join(dir, "record.jsonl");
    await writeFile(out, "precious");
    const { url } = await recorded(0);
    expect(await runCommand("audit export", ["--out", out], { DATABASE_URL: url })).toEqual({
      code: 2,
      stdout: "",
      stderr: `${out} exists, and is not overwritten.\n`,
    });
    expect(await readFile(out, "utf8")).toBe("precious");
  });

  test("reports a file that it cannot write", async () => {
    const { url } = await recorded(0);
    expect(await runCommand("audit export", ["--out", "/nowhere/x"], { DATABASE_URL: url })).toEqual({
      code: 2,
      stdout: "",
      stderr: "/nowhere/x cannot be written (ENOENT).\n",
    });
  });

  test("leaves no partial file if the database has no record", async () => {
    const env = { DATABASE_URL: await createTestPostgres({ empty: true }) };
    expect(await runCommand("audit export", ["--out", join(dir, "record.jsonl")], env)).toEqual({
      code: 2,
      stdout: "",
      stderr: "This database lacks the record of this release. Start the gateway, or run: npm run migrate\n",
    });
    expect(await readdir(dir)).toEqual([]);
  });
});

describe("audit verify", () => {
  test("exits with 0 for an intact record, and with 1 and the number of a bad record", async () => {
    const { url, database, ids } = await recorded(3);
    const env = { DATABASE_URL: url };
    const out = join(dir, "record.jsonl");
    await runCommand("audit export", ["--out", out], env);
    const ends = (await readHeads(database.db)).filter(({ seq }) => seq > 0);
    const good = (records: string, chains: readonly string[]) => ({
      code: 0,
      stdout: [
        `OK: ${records}, unbroken.`,
        "No record is signed: anyone who can write to the database could have rewritten the record.",
        ...ends
          .filter(({ chain }) => chains.includes(chain))
          .map(({ chain, seq, hash }) => `It ends at ${chain}:${seq}:${hash}.`),
        NOT_COMPARED,
      ].join("\n"),
      stderr: "",
    });
    // The database has the event of the export too.
    const both = ["account:default", "gateway"];
    expect(await runCommand("audit verify", ["--database"], env)).toEqual(
      good("4 records in 2 chains", both),
    );
    expect(await runCommand("audit verify", ["--file", out])).toEqual(
      good("3 records in 1 chain", ["account:default"]),
    );

    await rewriteRecord(database, async (db) => {
      await sql`update mfa_change set status = 'refused' where chain_seq = 2`.execute(db);
    });
    expect(await runCommand("audit verify", ["--database"], env)).toEqual({
      code: 1,
      stdout: `BAD: account:default record 2 (${ids[1]}): its stored status differs from the sealed content.\n`,
      stderr: "",
    });
    await writeFile(out, (await readFile(out, "utf8")).replace("applied", "refused"));
    expect(await runCommand("audit verify", ["--file", out])).toEqual({
      code: 1,
      stdout: `BAD: account:default record 1 (${ids[0]}): its hash does not match its content.\n`,
      stderr: "",
    });
  });

  test("compares the record with places from outside it: CHAIN:SEQ:HASH, an export, an anchor file", async () => {
    const { url, database } = await recorded(3);
    const env = { DATABASE_URL: url };
    const out = join(dir, "record.jsonl");
    await runCommand("audit export", ["--out", out], env);
    const hash = (await readHeads(database.db))[1]?.hash ?? "";
    const anchor = join(dir, "anchor.json");
    await writeAnchorFile(anchor, new Map([["account:default", { seq: 3, hash }]]));
    const places = [`account:default:3:${hash}`, `account:default:3:${hash.toUpperCase()}`, out, anchor];
    const expected = places.flatMap((place) => ["--expect", place]);
    const said = await runCommand("audit verify", ["--database", ...expected], env);
    expect(said).toMatchObject({ code: 0, stderr: "" });
    expect(said.stdout).toContain(
      `It contains what was expected: ${Array(4).fill("account:default:3").join(", ")}.\n`,
    );

    await rewriteRecord(database, async (db) => {
      await sql`delete from mfa_change where chain_seq > 1`.execute(db);
      await recomputeHashes(db);
    });
    expect(await runCommand("audit verify", ["--database"], env)).toMatchObject({ code: 0 });
    for (const place of places) {
      expect(await runCommand("audit verify", ["--database", "--expect", place], env)).toEqual({
        code: 1,
        stdout:
          "BAD: account:default record 2: it is missing: the chain was known to reach record 3, and ends at 1.\n",
        stderr: "",
      });
    }
  });

  test("counts the changes that are not sealed yet", async () => {
    const { url, database } = await recorded(1);
    await new ChangeStore({ database, replica: "replica-1" }).begin(intentOf(), FRESH);
    const { stdout } = await runCommand("audit verify", ["--database"], { DATABASE_URL: url });
    expect(stdout).toMatch(/^OK: 1 record in 1 chain, unbroken\.\nNot sealed yet, and not examined: 1\.\n/);
  });
});

describe("an unreadable source ends with 2 and the reason", () => {
  test.each([
    [
      "no database",
      "audit verify",
      ["--database"],
      { DATA_DIR: "/nowhere" },
      "The folder /nowhere has no database.",
    ],
    [
      "no server",
      "audit export",
      [],
      { DATABASE_URL: "postgres://u:s3cret@127.0.0.1:1/db" },
      "nothing listens there",
    ],
    [
      "no server",
      "migrate",
      [],
      { DATABASE_URL: "postgres://u:s3cret@127.0.0.1:1/db" },
      "nothing listens there",
    ],
    ["two databases", "migrate", [], { DATABASE_URL: "postgres://h/db", DATA_DIR: "x" }, "Set only one of"],
    [
      "no URL file",
      "migrate",
      [],
      { DATABASE_URL_FILE: "/nowhere" },
      "The file of DATABASE_URL_FILE, /nowhere, cannot be read (ENOENT).",
    ],
    ["no export", "audit verify", ["--file", "/nowhere"], {}, "/nowhere cannot be read (ENOENT)."],
    [
      "a missing key",
      "audit verify",
      ["--file", "x", "--public-key", "/nowhere"],
      {},
      "The key file /nowhere cannot be read (ENOENT).",
    ],
    [
      "half a hash",
      "audit verify",
      ["--database", "--expect", "3:abc"],
      {},
      "takes CHAIN:SEQ:HASH with all 64 digits",
    ],
    [
      "a number that is too large",
      "audit verify",
      ["--database", "--expect", `9${"0".repeat(20)}:${"a".repeat(64)}`],
      {},
      "is not the number of a record",
    ],
    [
      "no export",
      "audit verify",
      ["--database", "--expect", "package.json"],
      {},
      "the file is neither a whole export nor an anchor file",
    ],
    ["no source", "audit verify", [], {}, "Give --database or --file FILE."],
    ["two sources", "audit verify", ["--database", "--file", "x"], {}, "Give --database or --file FILE."],
    ["an unknown flag", "audit verify", ["--fast"], {}, "Unknown option '--fast'. Try --help."],
    ["no number", "audit export", ["--since", "-1x"], {}, "--since"],
  ] as const)("%s: %s", async (_, name, args, env, message) => {
    const { code, stdout, stderr } = await runCommand(name, args, env);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(message);
    expect(stderr.trimEnd()).not.toMatch(/\n|s3cret/);
  });

  test("a data folder that a gateway uses", async () => {
    const env = { DATA_DIR: join(dir, "data") };
    await runCommand("migrate", [], env);
    const unlock = await lockDataDir(env.DATA_DIR);
    const { code, stderr } = await runCommand("audit verify", ["--database"], env);
    await unlock();
    expect(code).toBe(2);
    expect(stderr).toMatch(/is in use by process \d+ on .+\. Stop it, or set DATA_DIR/);
  });

  test("a key of another kind, or a private key", async () => {
    const file = join(dir, "key.pem");
    const { privateKey } = newSigningKey();
    await writeFile(file, privateKey.export({ format: "pem", type: "pkcs8" }));
    const { code, stderr } = await runCommand("audit verify", ["--file", "x", "--public-key", file]);
    expect({ code, stderr }).toEqual({ code: 2, stderr: `${file} holds no public key in PEM.\n` });
  });
});

test.each(["audit export", "audit verify"] as const)("%s --help describes the command", async (name) => {
  const { code, stdout } = await runCommand(name, ["--help"]);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^Usage: cam-gateway audit /);
});

describe("the program", () => {
  beforeAll(buildGateway);

  test("runs the command and exits with its code", async () => {
    const { url } = await recorded(1);
    const run = promisify(execFile);
    const env = { DATABASE_URL: url };
    const { stdout } = await run(process.execPath, [PROGRAM, "audit", "export"], { env });
    expect(stdout.split("\n")).toHaveLength(4);
    await expect(run(process.execPath, [PROGRAM, "audit", "verify"], { env })).rejects.toMatchObject({
      code: 2,
      stderr: "Give --database or --file FILE.\n",
    });
  });

  test("exits quietly when the reader closes the pipe", async () => {
    const { url } = await recorded(2);
    const child = spawn(process.execPath, [PROGRAM, "audit", "export"], { env: { DATABASE_URL: url } });
    child.stdout.destroy();
    let stderr = "";
    child.stderr.on("data", (chunk) => {
      stderr += String(chunk);
    });
    await once(child, "close");
    expect(stderr).toBe("");
  });
});
