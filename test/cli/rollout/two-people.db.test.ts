import { beforeAll, expect, test } from "vitest";
import { CAROL, HEIDI } from "../../support/seed-users.ts";
import { type StartedGateway, startGateway, UNLIMITED } from "../../support/start-gateway.ts";
import { type StartedIssuer, startIssuer } from "../../support/start-issuer.ts";
import { runCommand } from "../run-command.ts";

let issuer: StartedIssuer;
let gateway: StartedGateway;

beforeAll(async () => {
  issuer = await startIssuer();
  const env = { ...UNLIMITED.env, ...issuer.env, BULK_GUARD_USERS: "1" };
  gateway = await startGateway({ ...UNLIMITED, callers: "proved", env });
});

/** Runs a command by the token of a person. */
async function by(subject: string, args: readonly string[], ask?: () => Promise<string>) {
  const token = await issuer.sign({ claims: { sub: subject } });
  return runCommand("rollout", args, { GATEWAY_URL: gateway.gateway.address.url, GATEWAY_TOKEN: token }, ask);
}

/** Plans a rollout of two users by Ann, and starts it. */
async function askedFor(): Promise<string> {
  const users = [CAROL, HEIDI].flatMap((opUin) => ["--op-uin", opUin]);
  const texts = ["--name", "Two", "--reason", "a test"];
  const plan = await by("ann", ["plan", "action.stoken.on", ...texts, ...users, "--json"]);
  expect(plan).toMatchObject({ code: 0, stderr: "" });
  const { id, planHash, counts } = JSON.parse(plan.stdout).result;
  expect(counts).toMatchObject({ willChange: 2 });
  const start = await by("ann", ["start", id, "--yes", "--plan-hash", planHash]);
  expect(start.stdout).toMatch(/: AWAITING_APPROVAL$/m);
  expect(start.stdout).toContain("awaits approval until");
  return id;
}

test("another person rejects a plan by the command line", async () => {
  const id = await askedFor();
  const reject = await by("ben", ["reject", id, "--reason", "Not in December"]);
  expect(reject).toMatchObject({ code: 0, stderr: "" });
  expect(reject.stdout).toMatch(/: CANCELLED$/m);
  expect(reject.stdout).toContain("Not in December");
  expect(reject.stdout).toContain("APPROVAL_REJECTED");
});

test("another person reads and approves a plan by the command line, and the asker cannot", async () => {
  const id = await askedFor();
  const own = await by("ann", ["approve", id], async () => "y");
  expect(own).toMatchObject({ code: 1, stderr: expect.stringContaining("FORBIDDEN: ") });
  const no = await by("ben", ["approve", id], async () => "n");
  expect(no.code).toBe(2);
  expect(no.stderr).toContain("will change");
  const approve = await by("ben", ["approve", id, "--reason", "Read"], async () => "y");
  expect(approve).toMatchObject({ code: 0 });
  const watch = await by("ben", ["status", id, "--watch"]);
  expect(watch).toMatchObject({ code: 0, stdout: expect.stringContaining("2 of 2 settled") });
});
