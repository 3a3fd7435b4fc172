import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { fencedBlocks } from "../../docs/pages.ts";
import { ageRollout } from "../../support/alter-rows.ts";
import { createTestPostgres, openTestPostgres } from "../../support/open-test-database.ts";
import { scanDirectory } from "../../support/scan-directory.ts";
import { BOB } from "../../support/seed-users.ts";
import { startGateway, UNLIMITED } from "../../support/start-gateway.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { type CommandResult, runCommand } from "../run-command.ts";

const ADDED = 12;
/** The added users and heidi. */
const CHANGED = ADDED + 1;
/** A name that would move the cursor of a terminal. */
const HOSTILE = "\u001b[2Jmallory";

const folder = await temporaryFolder();
const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const publicKeyFile = await folder.write(
  "audit-key.pub.pem",
  String(publicKey.export({ type: "spki", format: "pem" })),
);
const databaseUrl = await createTestPostgres();
const { gateway, cam, send } = await startGateway({
  ...UNLIMITED,
  env: {
    ...UNLIMITED.env,
    DATABASE_URL: databaseUrl,
    AUDIT_SIGNING_KEY_FILE: await folder.write(
      "audit-key.pem",
      String(privateKey.export({ type: "pkcs8", format: "pem" })),
    ),
    AUDIT_ANCHOR_FILE: "log",
  },
});
const database = await openTestPostgres(databaseUrl);
for (let at = 0; at < ADDED; at++) {
  const name = at === 0 ? HOSTILE : `added-${at}`;
  cam.putUser({ uin: addedUin(at), name, phone: "13800000200" });
}
await scanDirectory(send);

function addedUin(at: number): string {
  return String(100_021_970_000 + at);
}

const yes = async () => "y";

function rollout(args: readonly string[], ask?: () => Promise<string>): Promise<CommandResult> {
  return runCommand("rollout", args, { GATEWAY_URL: gateway.address.url }, ask);
}

/** Plans a rollout over added users, and returns it. */
async function planned(first: number, count: number, more: readonly string[] = []) {
  const users = Array.from({ length: count }, (_, at) => ["--op-uin", addedUin(first + at)]).flat();
  const names = ["--name", "Some", "--reason", "a test"];
  const { code, stdout, stderr } = await rollout([
    "plan",
    "login.phone.on",
    ...names,
    ...users,
    ...more,
    "--json",
  ]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout).result as { readonly id: string; readonly planHash: string };
}

const page = fencedBlocks(readFileSync("docs/iam/rollouts.md", "utf8"));

/** The commands of the page as their arguments. */
const commands = page
  .filter(({ language }) => language === "sh")
  .flatMap(({ text }) => text.trimEnd().split("\n"))
  .map((line) =>
    [...line.replace("npm run rollout -- ", "").matchAll(/"([^"]*)"|(\S+)/g)].map(
      ([, quoted, word]) => quoted ?? word ?? "",
    ),
  );

test("the commands of docs/iam/rollouts.md plan, start, watch, prove, verify and undo a rollout", async () => {
  let id = "";
  const run = async (ask?: () => Promise<string>) => {
    const words = commands.shift() ?? [];
    const inFolder = {
      "phones.jsonl": folder.at("phones.jsonl"),
      "audit-key.pub.pem": publicKeyFile,
      ID: id,
    };
    return rollout(
      words.map((word) => (inFolder as Record<string, string>)[word] ?? word),
      ask,
    );
  };
  const plan = await run();
  expect(plan).toMatchObject({ code: 0, stderr: "" });
  expect(plan.stdout).toMatch(/: PLANNED$/m);
  expect(plan.stdout).toMatch(new RegExp(`^ +${CHANGED} will change$`, "m"));
  expect(plan.stdout).toContain("USER_NOT_BIND_PHONE");
  expect(plan.stdout).toMatch(new RegExp(`^    ${BOB} "bob" of default: blocked USER_NOT_BIND_PHONE`, "m"));
  expect(plan.stdout).not.toContain("\u001b");
  [, id = ""] = /^rollout (\S+) "Phones"/.exec(plan.stdout) ?? [];

  const start = await run(yes);
  expect(start).toMatchObject({ code: 0 });
  expect(start.stderr).toContain("will change");
  const watched = await run();
  expect(watched).toMatchObject({ code: 0, stderr: "" });
  expect(watched.stdout).toContain(`${CHANGED} of ${CHANGED} settled`);
  expect(cam.user(addedUin(3))?.loginFlag).toMatchObject({ Phone: 1 });
  expect(cam.user(BOB)?.loginFlag?.Phone).not.toBe(1);

  await ageRollout(database, id);
  const prove = await run();
  expect(prove).toMatchObject({ code: 0, stderr: "" });
  expect(prove.stdout).toContain("is as the rollout left them");
  const verify = await run();
  expect(verify).toMatchObject({ code: 0, stderr: "" });
  const undo = await run();
  expect(undo).toMatchObject({ code: 0, stderr: "" });
  expect(undo.stdout).toMatch(new RegExp(`^ +${CHANGED} will change$`, "m"));

  const verifyByKey = await run();
  const [shown] = page.filter(({ language }) => language === "text");
  expect(normalised(verifyByKey.stdout)).toBe(normalised(shown?.text ?? ""));
  expect(commands).toEqual([]);
});

/** Replaces hashes and times. */
function normalised(text: string): string {
  return text
    .replaceAll(/[0-9a-f]{16,64}/g, "HASH")
    .replaceAll(/\d{4}-[\d:T.-]+Z/g, "TIME")
    .replaceAll(/checkpoint \d+/g, "checkpoint N");
}

describe("a plan", () => {
  test("takes its users from a file, and counts a repeated one once", async () => {
    const file = await folder.write("users.csv", `name,opUin\nan,${addedUin(0)}\nother,${addedUin(0)}\n`);
    const names = ["--name", "File", "--reason", "a test"];
    const { code, stdout, stderr } = await rollout([
      "plan",
      "action.phone.on",
      ...names,
      "--file",
      file,
      "--json",
    ]);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: `${file} repeats users. Each counts once: 1 users.\n`,
    });
    expect(JSON.parse(stdout).result).toMatchObject({ status: "PLANNED", counts: { willChange: 1 } });
  });

  test("names the first left-out users, and all of them by --json", async () => {
    const uins = Array.from({ length: 130 }, (_, at) => String(100_021_960_000 + at));
    const file = await folder.write("gone.csv", uins.join("\n"));
    const names = ["--name", "Phones", "--reason", "a test"];
    const plan = await rollout(["plan", "login.phone.on", ...names, "--file", file]);
    const [first = ""] = uins;
    expect(plan.stdout).toContain(`    ${first} of default: blocked USER_NOT_EXIST\n`);
    expect(plan.stdout.match(/: blocked USER_NOT_EXIST$/gm)).toHaveLength(20);
    expect(plan.stdout).toContain("    and 110 more. --json prints all of them.\n");
    const [, id = ""] = /^rollout (\S+) /.exec(plan.stdout) ?? [];
    const { stdout } = await rollout(["status", id, "--json"]);
    const { leftOut } = JSON.parse(stdout).result as { leftOut: { opUin: string; code: string }[] };
    expect(leftOut.map(({ opUin, code }) => `${opUin} ${code}`)).toEqual(
      uins.map((uin) => `${uin} USER_NOT_EXIST`),
    );
  });

  test.each([
    ["without users", [], "Name the users by --account"],
    ["with all users and some", ["--all", "--filter", "protected"], "Name the users by --account"],
    ["with a hold and no waves", ["--all", "--hold", "2"], "need --waves"],
    ["with a bad error budget", ["--all", "--max-failures", "all"], "Give a number of users such as 5"],
    ["with a file that does not exist", ["--file", "/nonexistent"], "/nonexistent cannot be read (ENOENT)."],
  ])("%s ends with 2", async (_name, options, message) => {
    const names = ["--name", "None", "--reason", "a test"];
    const { code, stderr } = await rollout(["plan", "login.phone.on", ...names, ...options]);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });
});

describe("a start", () => {
  test("asks first, and starts nothing without a yes or a terminal", async () => {
    const { id } = await planned(1, 1);
    const no = await rollout(["start", id], async () => "n");
    expect(no).toMatchObject({ code: 2, stderr: expect.stringContaining("Nothing was started.") });
    expect(await rollout(["start", id])).toMatchObject({
      code: 2,
      stderr: "Nothing was started: without a terminal to ask, the command needs --yes.\n",
    });
    expect(await rollout(["start", id, "--yes"])).toMatchObject({
      code: 2,
      stderr: "--yes needs --plan-hash: the hash says which plan you have read.\n",
    });
    const status = await rollout(["status", id, "--json"]);
    expect(JSON.parse(status.stdout).result).toMatchObject({ status: "PLANNED" });
  });

  test("of a plan with another hash is refused with 1", async () => {
    const { id } = await planned(1, 1);
    const { code, stderr } = await rollout(["start", id, "--yes", "--plan-hash", "0".repeat(64)]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^PLAN_CHANGED: /);
  });
});

test("a wave waits for a person, who pauses, resumes, releases and cancels", async () => {
  const switchOff = ["plan", "login.phone.off", "--name", "Waves", "--reason", "a test", "--json"];
  const users = [4, 5, 6].flatMap((at) => ["--op-uin", addedUin(at)]);
  const { stdout } = await rollout([...switchOff, ...users, "--waves", "1,1", "--wait-for-release"]);
  const { id, planHash } = JSON.parse(stdout).result;
  expect(await rollout(["start", id, "--yes", "--plan-hash", planHash])).toMatchObject({ code: 0 });
  await expect
    .poll(async () => (await rollout(["status", id])).stdout, { timeout: 20_000 })
    .toContain("Wave 2 waits for");
  expect((await rollout(["status", id])).stdout).toContain(
    "  Waves: 1 user (then a person), 1 user (then a person), then the rest\n",
  );
  expect((await rollout(["status", id])).stdout).toContain(
    "  WARNING: 3 users lose login or operation protection\n",
  );
  expect((await rollout(["pause", id, "--reason", "lunch"])).stdout).toMatch(/: PAUSED$/m);
  expect((await rollout(["resume", id])).stdout).toMatch(/: RUNNING$/m);
  expect(await rollout(["release", id])).toMatchObject({ code: 0 });
  await expect
    .poll(async () => (await rollout(["status", id])).stdout, { timeout: 20_000 })
    .toContain("Wave 3 waits for");
  expect((await rollout(["cancel", id, "--reason", "enough"])).stdout).toMatch(/: CANCELLED$/m);
  expect(await rollout(["status", id, "--watch"])).toMatchObject({
    code: 1,
    stdout: expect.stringContaining("2 changed"),
  });
});

test("a list has the latest rollouts, and an unknown id ends with 1", async () => {
  const { id } = await planned(1, 1);
  const list = await rollout(["status"]);
  expect(list.code).toBe(0);
  expect(list.stdout.split("\n")[0]).toContain(`${id}  PLANNED`);
  for (const command of ["status", "pause", "prove"]) {
    const { code, stderr } = await rollout([command, crypto.randomUUID()]);
    expect({ command, code }).toEqual({ command, code: 1 });
    expect(stderr).toMatch(/^ROLLOUT_NOT_FOUND: /);
  }
});
