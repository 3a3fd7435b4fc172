import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, beforeEach, expect, test } from "vitest";
import { ChainAnchors } from "../../src/audit/chain-anchors.ts";
import { ChangeStore } from "../../src/audit/change-store.ts";
import type { Checkpoint } from "../../src/audit/checkpoint.ts";
import { AuditCheckpointer } from "../../src/audit/checkpointer.ts";
import type { Database } from "../../src/database/database.ts";
import { APPLIED, FRESH, intentOf } from "../audit/intent-of.ts";
import { newSigningKey } from "../audit/make-chain.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { buildGateway, PROGRAM } from "../support/gateway-process.ts";
import { createGatewayRole } from "../support/gateway-role.ts";
import { copyTestPostgres, createTestPostgres, openTestPostgres } from "../support/open-test-database.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { fencedBlocks, readPages } from "./pages.ts";

beforeAll(buildGateway);

const { scripts } = JSON.parse(readPages("package.json")) as { scripts: Record<string, string> };
const run = promisify(execFile);

const key = newSigningKey();
let dir: string;

beforeEach(async () => {
  const folder = await temporaryFolder();
  dir = folder.path;
  const { privateKey, publicKey } = key;
  await folder.write("audit-key.pem", String(privateKey.export({ format: "pem", type: "pkcs8" })));
  await folder.write("audit-key.pub.pem", String(publicKey.export({ format: "pem", type: "spki" })));
});

async function record(database: Database, count: number): Promise<void> {
  const log = new ChangeStore({ database, replica: "replica-1" });
  for (let i = 0; i < count; i++) {
    const { id } = await log.begin(intentOf(), FRESH);
    await log.settle(id, APPLIED);
  }
}

async function sign(database: Database, at: number): Promise<Checkpoint | undefined> {
  const anchors = await ChainAnchors.open({ file: join(dir, "anchor.json") });
  const clock = new FakeClock(at);
  const deps = { database, privateKey: key.privateKey, anchors, clock, intervalMs: 1 };
  return new AuditCheckpointer(deps).checkpoint();
}

/** Runs a block of a page in a shell, with the programs of npm scripts from source. */
async function shell(block: string, variables: Readonly<Record<string, string>>): Promise<string> {
  const text = block.replaceAll(/npm run (\S+)(?: --)?/g, (_, name: string) => {
    const [, command] = / node dist\/main\.js (.+)$/.exec(scripts[name] ?? "") ?? [];
    if (command === undefined) throw new Error(`npm run ${name} is not a command of the gateway.`);
    return `"${process.execPath}" "${PROGRAM}" ${command}`;
  });
  const env = { PATH: process.env["PATH"] ?? "", ...variables };
  const { stdout } = await run("sh", ["-euc", text], { cwd: dir, env });
  return stdout;
}

/** Replaces hashes, keys and times, which differ in every run. */
function withoutChance(text: string): string {
  return text
    .replaceAll(/key [0-9a-f]{16}/g, "key (fingerprint)")
    .replaceAll(/:[0-9a-f]{64}/g, ":(hash)")
    .replaceAll(/at \d{4}-[\d-]+T[\d:.]+Z/g, "at (time)");
}

function blocksOf(page: string) {
  const blocks = fencedBlocks(readPages(page).replaceAll(/^ {3}/gm, ""));
  return blocks
    .map(({ language, text }, index) => ({ language, text, answer: blocks[index + 1] }))
    .filter(({ language }) => language === "sh");
}

test("the commands of the page on retention print what it shows", { timeout: 240_000 }, async () => {
  const url = await createTestPostgres();
  const database = await openTestPostgres(url);
  await record(database, 2);
  await sign(database, Date.UTC(2025, 0, 1));
  await record(database, 1);
  for (const { text, answer } of blocksOf("docs/operators/retention.md")) {
    const printed = await shell(text, { DATABASE_URL: url });
    if (answer?.language === "text") expect(withoutChance(printed)).toBe(withoutChance(answer.text));
  }
});

test("the commands of the page on backups print what it shows", { timeout: 240_000 }, async () => {
  const original = await createTestPostgres();
  const live = await openTestPostgres(original);
  await record(live, 2);
  await sign(live, Date.UTC(2026, 0, 1));
  await live.close();
  const dump = await copyTestPostgres(original);
  const later = await openTestPostgres(original);
  for (const day of [2, 3]) {
    await record(later, 1);
    await sign(later, Date.UTC(2026, 0, day));
  }
  await shell("npm run audit:export -- --out record.jsonl", { DATABASE_URL: original });
  const role = new URL(await createGatewayRole(dump)).username;
  for (const { text, answer } of blocksOf("docs/operators/backup.md")) {
    // npm has no programs of PostgreSQL. A copy of the database is the restored dump.
    const commands = text
      .replaceAll(/^(pg_dump|createdb|pg_restore) .*\n/gm, "")
      .replace("--grant-to gateway", `--grant-to ${role}`);
    const printed = await shell(commands, { RESTORED_URL: dump });
    if (answer?.language === "text") expect(withoutChance(printed)).toBe(withoutChance(answer.text));
  }
  const restored = await openTestPostgres(dump);
  await record(restored, 1);
  expect(await sign(restored, Date.UTC(2026, 0, 4))).toMatchObject({ number: 5 });
});
