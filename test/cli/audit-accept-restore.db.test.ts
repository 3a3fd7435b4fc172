import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { ChainAnchors } from "../../src/audit/chain-anchors.ts";
import { ChangeStore } from "../../src/audit/change-store.ts";
import { AuditCheckpointer } from "../../src/audit/checkpointer.ts";
import { APPLIED, FRESH, intentOf } from "../audit/intent-of.ts";
import { newSigningKey } from "../audit/make-chain.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { createGatewayRole } from "../support/gateway-role.ts";
import { copyTestPostgres, createTestPostgres, openTestPostgres } from "../support/open-test-database.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { runCommand } from "./run-command.ts";

const key = newSigningKey();
const clock = new FakeClock();
let url: string;
let dump: string;
let env: Readonly<Record<string, string>>;
let anchor: string;
let known: string;

beforeAll(async () => {
  url = await createTestPostgres();
  const folder = await temporaryFolder();
  anchor = join(folder.path, "anchor.json");
  let database = await openTestPostgres(url);
  const signOne = async () => {
    const log = new ChangeStore({ database, replica: "replica-1" });
    const { id } = await log.begin(intentOf(), FRESH);
    await log.settle(id, APPLIED);
    const anchors = await ChainAnchors.open({ file: anchor });
    const deps = { database, privateKey: key.privateKey, anchors, clock, intervalMs: 1 };
    return new AuditCheckpointer(deps).checkpoint();
  };
  await signOne();
  await database.close();
  dump = await copyTestPostgres(url);
  database = await openTestPostgres(url);
  const last = await signOne();
  known = `checkpoints:${last?.number}:${last?.hash}`;
  const pem = String(key.privateKey.export({ type: "pkcs8", format: "pem" }));
  env = { AUDIT_SIGNING_KEY_FILE: await folder.write("key.pem", pem) };
});

/** As the gateway's role, on a new copy of the dump. */
async function restored(): Promise<Readonly<Record<string, string>>> {
  return { ...env, DATABASE_URL: await createGatewayRole(await copyTestPostgres(dump)) };
}

test("it shows what is missing, asks, and signs as the gateway's role", async () => {
  const role = { ...(await restored()), AUDIT_ANCHOR_FILE: anchor };
  const shown =
    "Checkpoint 2 is missing.\n" +
    `The last one before them is checkpoint 1, signed at ${new Date(clock.now()).toISOString()}.\n`;
  expect(await runCommand("audit accept-restore", [], role, async () => "")).toEqual({
    code: 2,
    stdout: "",
    stderr: `${shown}Nothing was signed.\n`,
  });
  const accepted = await runCommand("audit accept-restore", [], role, async () => "y");
  expect(accepted).toMatchObject({ code: 0, stderr: shown });
  expect(accepted.stdout).toMatch(/Signed checkpoint 3\. It ends at checkpoints:3:[0-9a-f]{64}\.\n$/);
  expect(await runCommand("audit accept-restore", [], role)).toEqual({
    code: 0,
    stdout: "Nothing to accept: the database has every given checkpoint.\n",
    stderr: "",
  });
  const verified = await runCommand("audit verify", ["--database", "--expect", anchor, "--json"], role);
  expect(JSON.parse(verified.stdout)).toMatchObject({
    ...{ command: "audit verify", exitCode: 0 },
    result: { records: 2, signed: { number: 3 }, expected: [{ chain: "checkpoints", seq: 2 }] },
  });
});

test("it takes the place from the log, and prints its result as JSON", async () => {
  const role = { ...(await restored()), AUDIT_ANCHOR_FILE: "log" };
  const args = ["--expect", known, "--yes", "--json"];
  const { code, stdout } = await runCommand("audit accept-restore", args, role);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    command: "audit accept-restore",
    result: { checkpoint: { number: 3 }, restoredTo: 1, missing: { seq: 2 }, lacks: [] },
  });
});

describe("it signs nothing", () => {
  test.each([
    ["without a key", {}, [], "Set AUDIT_SIGNING_KEY_FILE"],
    ["without a place", { key: true }, [], "No checkpoint is known. Set AUDIT_ANCHOR_FILE"],
    [
      "with a damaged anchor",
      { key: true, AUDIT_ANCHOR_FILE: "package.json" },
      [],
      "is damaged, or is not an anchor file",
    ],
    [
      "without a terminal or --yes",
      { key: true },
      ["known"],
      "Nothing was signed: without a terminal to ask, the command needs --yes.",
    ],
  ])("%s", async (_, { key: hasKey, ...more }: { key?: boolean }, args, message) => {
    const variables = { DATABASE_URL: dump, ...(hasKey ? env : {}), ...more };
    const given = args.flatMap(() => ["--expect", known]);
    const said = await runCommand("audit accept-restore", given, variables);
    expect(said).toMatchObject({ code: 2, stdout: "" });
    expect(said.stderr).toContain(message);
  });
});
