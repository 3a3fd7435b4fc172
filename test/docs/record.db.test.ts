import { execFile } from "node:child_process";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { sql } from "kysely";
import { beforeAll, describe, expect, test } from "vitest";
import { ChainAnchors } from "../../src/audit/chain-anchors.ts";
import { CHANGE_STATUSES } from "../../src/audit/change-record.ts";
import { ChangeStore } from "../../src/audit/change-store.ts";
import { AuditCheckpointer } from "../../src/audit/checkpointer.ts";
import { loadSigningKey } from "../../src/audit/signing-keys.ts";
import type { Database } from "../../src/database/database.ts";
import { APPLIED, FRESH, intentOf } from "../audit/intent-of.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { buildGateway, PROGRAM } from "../support/gateway-process.ts";
import { createGatewayRole } from "../support/gateway-role.ts";
import { createTestPostgres, openTestPostgres } from "../support/open-test-database.ts";
import { rewriteRecord } from "../support/rewrite-record.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { fencedBlocks, readPages } from "./pages.ts";

// The commands of the pages build on each other: a first key, a signed record, then a new key.
const REPLACE_KEY = "## Replace the signing key";
const [sign = "", replaceKey = ""] = (await readFile("docs/iam/signing.md", "utf8")).split(
  `\n${REPLACE_KEY}\n`,
);
const page = [
  readPages("docs/iam/record.md"),
  sign,
  readPages("docs/iam/export.md", "docs/iam/verify.md"),
  replaceKey,
].join("\n");
const blocks = fencedBlocks(page);
const { scripts } = JSON.parse(await readFile("package.json", "utf8")) as { scripts: Record<string, string> };

beforeAll(buildGateway);

let dir: string;
let url: string;
let database: Database;
let log: ChangeStore;

beforeAll(async () => {
  dir = (await temporaryFolder()).path;
  url = await createTestPostgres();
  database = await openTestPostgres(url);
  log = new ChangeStore({ database, replica: "replica-1" });
});

/** Returns the first column of the table with the heading: names in backquotes, or the matches of the pattern. */
function firstColumn(heading: string, pattern = /^\| `(\w+)`/gm): string[] {
  const [, table = ""] = page.split(new RegExp(`^\\| ${heading} +\\|.*\\n\\|[ -]+\\|.*\\n`, "m"));
  const [rows = ""] = table.split("\n\n");
  return [...rows.matchAll(pattern)].map(([, name = ""]) => name);
}

async function record(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const { id } = await log.begin(intentOf(), FRESH);
    await log.settle(id, APPLIED);
  }
}

/** Runs a block in a shell. Runs the programs of npm scripts without npm. */
async function run(block: string): Promise<string> {
  const text = block.replaceAll(/npm run (\S+)(?: --)?/g, (_, name: string) => {
    const [, command] = / node dist\/main\.js (.+)$/.exec(scripts[name] ?? "") ?? [];
    if (command === undefined) throw new Error(`npm run ${name} is not a command of the gateway.`);
    return `"${process.execPath}" "${PROGRAM}" ${command}`;
  });
  const env = { PATH: process.env["PATH"] ?? "", DATABASE_URL: url };
  const { stdout } = await promisify(execFile)("sh", ["-euc", text], { cwd: dir, env });
  return stdout;
}

/** Replaces ids, keys and hashes, which differ in every run. */
function withoutChance(text: string): string {
  return text
    .replaceAll(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "(id)")
    .replaceAll(/key [0-9a-f]{16}/g, "key (fingerprint)")
    .replaceAll(/checkpoints:1:[0-9a-f]{64}/g, "checkpoints:1:(hash)")
    .replaceAll(/at \d{4}-[\d-]+T[\d:.]+Z/g, "at (time)");
}

describe("the pages on the record", () => {
  test("explain every status and every column, and no other", async () => {
    expect(firstColumn("status")).toEqual([...CHANGE_STATUSES]);
    const { rows } = await sql<{ name: string }>`
      select column_name as name from information_schema.columns
      where table_name = 'mfa_change' order by ordinal_position`.execute(database.db);
    expect(firstColumn("column")).toEqual(rows.map(({ name }) => name));
  });

  test("show commands that print the shown output", { timeout: 180_000 }, async () => {
    const shown = blocks.filter(({ language }) => language === "sh");
    expect(shown.length).toBeGreaterThan(4);
    for (const [index, { text }] of shown.entries()) {
      const printed = await run(await withKeys(text));
      const answer = blocks[blocks.findIndex((block) => block.text === text) + 1];
      const expected = answer?.language === "text" && !answer.text.startsWith("BAD") ? answer.text : "";
      expect(withoutChance(printed)).toBe(withoutChance(expected));
      // The page begins with a new key. The later commands need a record that is signed with it.
      if (index === 0) {
        await record(2);
        await signWith(await loadSigningKey(join(dir, "audit-key.pem")));
        await record(1);
      }
    }
  });

  test("show the output for an altered record", async () => {
    await rewriteRecord(database, async (db) => {
      await sql`update mfa_change set status = 'refused' where chain_seq = 2`.execute(db);
    });
    const failure = run("npm run audit:verify -- --database");
    await expect(failure).rejects.toMatchObject({ code: 1 });
    const { stdout } = (await failure.catch((error: unknown) => error)) as { stdout: string };
    const shown = blocks.find(({ text }) => text.startsWith("BAD"))?.text ?? "";
    expect(withoutChance(stdout)).toBe(withoutChance(shown));
  });

  test("explain every verdict by its exact message", async () => {
    const said = firstColumn("message", /^\| (\S.*?) +\|/gm);
    const source = await Promise.all(
      ["chain", "checkpoint", "verify-chain", "verify-record", "verify-database", "verify-export"].map(
        (file) => readFile(`src/audit/${file}.ts`, "utf8"),
      ),
    );
    expect(said.length).toBeGreaterThan(5);
    const unsaid = said.filter((words) => !source.some((text) => text.includes(words)));
    expect(unsaid).toEqual([]);
  });

  test("show a role with the rights that the gateway needs", async () => {
    const { db, ...rest } = await openTestPostgres(await createGatewayRole(url));
    const restricted = new ChangeStore({ database: { db, ...rest }, replica: "replica-1" });
    const { id } = await restricted.begin(intentOf(), FRESH);
    expect(await restricted.settle(id, APPLIED)).toMatchObject({ sealed: true });
    await expect(sql`alter table mfa_change disable trigger user`.execute(db)).rejects.toMatchObject({
      code: "42501",
    });
  });
});

async function signWith(privateKey: KeyObject): Promise<void> {
  const anchors = await ChainAnchors.open({ file: undefined });
  const clock = new FakeClock();
  await new AuditCheckpointer({ database, privateKey, anchors, clock, intervalMs: 1 }).checkpoint();
}

/** Creates the keys and removes the lines of OpenSSL on a machine without it. */
async function withKeys(text: string): Promise<string> {
  const hasOpenssl = await promisify(execFile)("openssl", ["version"]).then(
    () => true,
    () => false,
  );
  if (hasOpenssl) return text;
  for (const [, file = ""] of text.matchAll(/^openssl genpkey .*-out (\S+)\.pem$/gm)) {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    await writeFile(join(dir, `${file}.pem`), privateKey.export({ format: "pem", type: "pkcs8" }));
    await writeFile(join(dir, `${file}.pub.pem`), publicKey.export({ format: "pem", type: "spki" }));
  }
  return text.replaceAll(/^openssl .*\n/gm, "");
}
