import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { sql } from "kysely";
import pg from "pg";
import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { AuditEvents } from "../../src/audit/audit-events.ts";
import { sha256Hex } from "../../src/audit/chain.ts";
import { ChainAnchors } from "../../src/audit/chain-anchors.ts";
import { ChangeStore } from "../../src/audit/change-store.ts";
import { AuditCheckpointer } from "../../src/audit/checkpointer.ts";
import type { Database } from "../../src/database/database.ts";
import { APPLIED, FRESH, intentOf } from "../audit/intent-of.ts";
import { newSigningKey } from "../audit/make-chain.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { buildGateway, PROGRAM } from "../support/gateway-process.ts";
import { createGatewayRole } from "../support/gateway-role.ts";
import { createTestPostgres, openTestPostgres } from "../support/open-test-database.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { runCommand } from "./run-command.ts";

beforeAll(buildGateway);

const key = newSigningKey();
/** The signatures are from the year before. */
const clock = new FakeClock(Date.UTC(2025, 0, 1));

let url: string;
let database: Database;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let args: readonly string[];
let env: Readonly<Record<string, string>>;

beforeEach(async () => {
  url = await createTestPostgres();
  env = { DATABASE_URL: url };
  database = await openTestPostgres(url);
  folder = await temporaryFolder();
  await record(2);
  await record(3, "prod");
  const anchors = await ChainAnchors.open({ file: undefined });
  const deps = { database, privateKey: key.privateKey, anchors, clock, intervalMs: 1 };
  await new AuditCheckpointer(deps).checkpoint();
  await record(1);
  const pem = String(key.publicKey.export({ type: "spki", format: "pem" }));
  const out = join(folder.path, "record.jsonl");
  await runCommand("audit export", ["--out", out], env);
  const publicKey = await folder.write("key.pub.pem", pem);
  args = ["--before", "2025-06-01", "--export", out, "--public-key", publicKey];
});

async function record(count: number, account = "default"): Promise<void> {
  const log = new ChangeStore({ database, replica: "replica-1" });
  for (let i = 0; i < count; i++) {
    const { id } = await log.begin(intentOf({ account }), FRESH);
    await log.settle(id, APPLIED);
  }
}

test("it shows what goes, asks, and deletes; the rest verifies", async () => {
  const shown = [
    "Up to checkpoint 1, signed at 2025-01-01T00:00:00.000Z:",
    "  account:default: records 1 to 2",
    "  account:prod: records 1 to 3",
    "",
  ].join("\n");
  const questions: string[] = [];
  const no = async (question: string) => {
    questions.push(question);
    return "n";
  };
  expect(await runCommand("audit prune", args, env, no)).toEqual({
    code: 2,
    stdout: "",
    stderr: `${shown}Nothing was pruned.\n`,
  });
  expect(questions).toEqual(["Delete these records? [y/N] "]);
  expect(await runCommand("audit prune", args, env, async () => "yes")).toEqual({
    code: 0,
    stdout: `Pruned 5 records.\n${shown}`,
    stderr: shown,
  });
  expect(await runCommand("audit prune", args, env)).toEqual({
    code: 0,
    stdout: "Nothing to prune.\n",
    stderr: "",
  });
  const [event] = await new AuditEvents(database).list({ kind: "pruned" }, 1);
  const file = args[args.indexOf("--export") + 1] ?? "";
  expect(event?.details).toMatchObject({ export: sha256Hex(await readFile(file, "utf8")) });
  const verified = await runCommand("audit verify", ["--database", "--expect", file], env);
  expect(verified).toMatchObject({ code: 0, stderr: "" });
  expect(verified.stdout).toContain("Pruned up to record 2 of account:default, by checkpoint 1.\n");
  expect(verified.stdout).toContain(
    "It contains what was expected: checkpoints:1, account:default:3, account:prod:3.\n",
  );
  const out = join(folder.path, "later.jsonl");
  await runCommand("audit export", ["--out", out], env);
  expect(await runCommand("audit verify", ["--file", out])).toMatchObject({ code: 0, stderr: "" });
});

test("it prints its result as JSON", async () => {
  const { code, stdout } = await runCommand("audit prune", [...args, "--yes", "--json"], env);
  expect(JSON.parse(stdout)).toEqual({
    ...{ command: "audit prune", exitCode: 0 },
    result: {
      checkpoint: 1,
      chains: [
        { chain: "account:default", from: 1, to: 2 },
        { chain: "account:prod", from: 1, to: 3 },
      ],
      deleted: 5,
    },
  });
  expect(code).toBe(0);
});

describe("it refuses, and deletes nothing", () => {
  test.each([
    [
      "without a terminal or --yes",
      [],
      2,
      "Nothing was pruned: without a terminal to ask, the command needs --yes.",
    ],
    ["recent records", ["--before", "2999-01-01"], 2, "Give a --before that is at least 30 days ago."],
    ["a time that is none", ["--before", "May"], 2, "Give a date such as 2026-01-31"],
    [
      "an export that is none",
      ["--export", "package.json"],
      1,
      "Nothing was pruned. The export does not verify: ",
    ],
    ["a missing export", ["--export", "/nowhere"], 2, "/nowhere cannot be read (ENOENT)."],
  ])("%s", async (_, more, code, message) => {
    const said = await runCommand("audit prune", [...args, ...more], env);
    expect(said).toMatchObject({ code, stdout: "" });
    expect(said.stderr).toContain(message);
    const { rows } = await sql`select from mfa_change`.execute(database.db);
    expect(rows).toHaveLength(6);
  });

  test("another role than the owner of the schema", async () => {
    const role = { DATABASE_URL: await createGatewayRole(url) };
    const { code, stderr } = await runCommand("audit prune", [...args, "--yes"], role);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: expect.stringMatching(/^Only the owner of the schema prunes the record: connect as /),
    });
  });
});

test("a prune that was killed is finished by the next one", { timeout: 180_000 }, async () => {
  const holder = new pg.Client(url);
  await holder.connect();
  onTestFinished(() => holder.end());
  /** The number of other sessions that delete, with this condition. */
  const deleting = async (condition: string) => {
    const { rows } = await holder.query(
      `select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
        and query like '%delete_pruned%' and state <> 'idle' and ${condition}`,
    );
    return rows.length;
  };
  const count = async () => (await holder.query("select from mfa_change")).rows.length;
  // A row lock stops the process after it has deleted the records of the first chain.
  const blocker = new pg.Client(url);
  await blocker.connect();
  await blocker.query("begin");
  await blocker.query("select from mfa_change where chain = 'account:prod' and chain_seq = 2 for update");
  const child = spawn(process.execPath, [PROGRAM, "audit", "prune", ...args, "--yes"], { env });
  const closed = once(child, "close");
  await expect.poll(() => deleting("wait_event_type = 'Lock'"), { timeout: 120_000 }).toBe(1);
  child.kill("SIGKILL");
  await closed;
  expect(await count()).toBe(4);
  // The server abandons the statement of the killed process, or finishes it.
  await blocker.end();
  await expect.poll(() => deleting("true"), { timeout: 30_000 }).toBe(0);
  const left = await count();
  expect([1, 4]).toContain(left);
  expect(await runCommand("audit verify", ["--database"], env)).toMatchObject({ code: 0 });
  const again = await runCommand("audit prune", [...args, "--yes", "--json"], env);
  expect(JSON.parse(again.stdout)).toMatchObject({ result: { checkpoint: null, deleted: left - 1 } });
  expect(await count()).toBe(1);
  expect(await runCommand("audit verify", ["--database"], env)).toMatchObject({ code: 0 });
});
