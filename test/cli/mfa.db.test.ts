import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { beforeAll, describe, expect, test } from "vitest";
import { closedPort } from "../support/closed-port.ts";
import { keepSecret } from "../support/leaks/written.ts";
import { ALICE, BOB } from "../support/seed-users.ts";
import { type StartedGateway, startGateway } from "../support/start-gateway.ts";
import { type StartedIssuer, startIssuer } from "../support/start-issuer.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { whenOver } from "../support/when-over.ts";
import { runCommand } from "./run-command.ts";

let issuer: StartedIssuer;
let gateway: StartedGateway;
let env: Readonly<Record<string, string>>;

beforeAll(async () => {
  issuer = await startIssuer();
  gateway = await startGateway({ env: issuer.env, callers: "proved" });
  env = { GATEWAY_URL: gateway.gateway.address.url, GATEWAY_TOKEN: await issuer.sign() };
});

const get = (args: readonly string[], more: Readonly<Record<string, string>> = {}) =>
  runCommand("mfa get", args, { ...env, ...more });
const set = (args: readonly string[], more: Readonly<Record<string, string>> = {}) =>
  runCommand("mfa set", args, { ...env, ...more });

describe("mfa get", () => {
  test("prints a user's protections", async () => {
    const { code, stdout, stderr } = await get([ALICE]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(
      /^user 100021969091 \("alice", account default\)\n {2}login {3}stoken\n {2}action {2}/,
    );
  });

  test("prints the client's result as JSON", async () => {
    const { stdout } = await get([ALICE, "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({
      command: "mfa get",
      exitCode: 0,
      result: { opUin: ALICE, name: "alice", mfa: { login: { stoken: true } } },
    });
  });

  test("takes the address and the token from options", async () => {
    const folder = await temporaryFolder();
    const file = await folder.write("token", `${env["GATEWAY_TOKEN"]}\n`);
    const options = ["--url", env["GATEWAY_URL"] ?? "", "--token-file", file];
    const elsewhere = { GATEWAY_URL: "http://127.0.0.1:1/", GATEWAY_TOKEN: "" };
    expect(await get([ALICE, ...options], elsewhere)).toMatchObject({ code: 0 });
    expect(
      await get([ALICE, "--header", `authorization: Bearer ${env["GATEWAY_TOKEN"]}`], { GATEWAY_TOKEN: "" }),
    ).toMatchObject({ code: 0 });
  });

  test("ends with 1 for a user who does not exist", async () => {
    expect(await get(["100021969099"])).toEqual({
      code: 1,
      stdout: "",
      stderr: "USER_NOT_EXIST: The account default has no user 100021969099.\n",
    });
  });
});

describe("mfa set", () => {
  test("makes the change, with its reason on record, and makes it once for one key", async () => {
    const args = [ALICE, "login.phone.on", "action.phone.on", "--yes", "--reason", "a ticket"];
    const first = await set([...args, "--idempotency-key", "key-1", "--json"]);
    const { result } = JSON.parse(first.stdout);
    expect(result).toMatchObject({
      idempotencyKey: "key-1",
      resolvedBy: "REPLY",
      change: { reason: "a ticket", status: "APPLIED" },
      subUser: { mfa: { login: { phone: true, stoken: true }, action: { phone: true } } },
    });
    const again = JSON.parse((await set([...args, "--idempotency-key", "key-1", "--json"])).stdout);
    expect(again.result.change.id).toBe(result.change.id);
    const { code, stdout } = await set([ALICE, "login.phone.off", "--yes"]);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(
        /^The change of 100021969091 has taken effect \(known by REPLY\)\.\nrequest id /,
      ),
    });
  });

  test("prints a refusal with its remedy and ids, and ends with 1", async () => {
    const { code, stdout, stderr } = await set([BOB, "login.phone.on", "--yes"]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    const [refusal, remedy, ids] = stderr.split("\n");
    expect(refusal).toMatch(/^USER_NOT_BIND_PHONE: This user has no phone number bound/);
    expect(remedy).toMatch(/^\S.+\.$/);
    expect(ids).toMatch(
      /^request id \S+, change \S+, CAM's code FailedOperation\.UserNotBindPhone, its request/,
    );
    const { error } = JSON.parse((await set([BOB, "login.phone.on", "--yes", "--json"])).stdout);
    expect(error).toMatchObject({
      code: "USER_NOT_BIND_PHONE",
      category: "PRECONDITION",
      idempotencyKey: expect.any(String),
      cam: { code: "FailedOperation.UserNotBindPhone" },
    });
  });

  test("shows the change and makes it only if the person at the terminal says yes", async () => {
    const questions: string[] = [];
    const answering = (answer: string) =>
      runCommand("mfa set", [ALICE, "action.wechat.on"], env, async (question) => {
        questions.push(question);
        return answer;
      });
    for (const answer of ["", "n", "yo"]) {
      const { code, stderr } = await answering(answer);
      expect(code).toBe(2);
      expect(stderr).toContain('user 100021969091 ("alice", account default)\n  action.wechat  off -> on\n');
      expect(stderr).toMatch(/\nNothing was changed\.\n$/);
    }
    expect(gateway.cam.user(ALICE)?.actionFlag.Wechat ?? 0).toBe(0);
    expect(await answering("y")).toMatchObject({ code: 0 });
    expect(gateway.cam.user(ALICE)?.actionFlag.Wechat).toBe(1);
    expect(new Set(questions)).toEqual(new Set(["Change this user? [y/N] "]));
  });

  test("refuses without --yes if no terminal can answer", async () => {
    const before = gateway.cam.journal().length;
    const { code, stderr } = await set([ALICE, "login.phone.on"]);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: "Nothing was changed: without a terminal to ask, the command needs --yes.\n",
    });
    expect(gateway.cam.journal()).toHaveLength(before);
  });

  test("names the key to repeat with if the answer is lost", async () => {
    const server = createServer((request) => request.socket.destroy()).listen(0, "127.0.0.1");
    whenOver(async () => void server.close());
    await new Promise((resolve) => server.once("listening", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
    const { code, stderr } = await set([ALICE, "login.phone.on", "--yes", "--idempotency-key", "key-2"], {
      GATEWAY_URL: url,
    });
    expect(code).toBe(2);
    expect(stderr).toContain(
      "The change may have been made. To find out, repeat the command with --idempotency-key key-2.",
    );
  });
});

describe("a mistake gets one clear line and exit code 2", () => {
  const SECRET = keepSecret("a misplaced token", "misplaced-token-0123456789");
  test.each<[what: string, args: readonly string[], env: Record<string, string>, stderr: string | RegExp]>([
    ["no user", ["get"], {}, "Missing required argument 'uin'. Try --help."],
    [
      "a word as Uin",
      ["get", "NaN"],
      {},
      /is invalid for argument 'uin'\. "NaN" is not a Uin: send decimal digits/,
    ],
    ["a rounded Uin", ["get", "1e12"], {}, /"1e12" is not a Uin/],
    ["no switch", ["set", ALICE], {}, "Missing required argument 'switch'. Try --help."],
    [
      "a wrong switch",
      ["set", ALICE, "login.sms.on"],
      {},
      /Give login or action, phone, stoken, wechat, and on or off/,
    ],
    [
      "a switch twice",
      ["set", ALICE, "login.phone.on", "login.phone.off"],
      {},
      /^login\.phone is named twice\./,
    ],
    [
      "a misspelt flag",
      ["get", ALICE, "--acount", "x"],
      {},
      /^Unknown option '--acount' \(Did you mean --account\?\)/,
    ],
    ["an unknown command", ["got", ALICE], {}, /^Unknown command 'got' \(Did you mean .*\?\)\. Try --help\./],
    ["no address", ["get", ALICE, "--url", "gateway"], {}, "--url takes an http:// or https:// address."],
    [
      "no token file",
      ["get", ALICE, "--token-file", "/nowhere"],
      {},
      "The token file cannot be read (ENOENT).",
    ],
    ["two tokens", ["get", ALICE], { GATEWAY_TOKEN_FILE: "/nowhere" }, /^Set only one of GATEWAY_TOKEN and/],
    [
      "a token with a space",
      ["get", ALICE],
      { GATEWAY_TOKEN: `${SECRET} x` },
      /^The token has characters that no/,
    ],
  ])("%s", async (_what, [name = "", ...args], more, message) => {
    const { code, stdout, stderr } = await runCommand(`mfa ${name}`, args, { ...env, ...more });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr.trimEnd()).toEqual(typeof message === "string" ? message : expect.stringMatching(message));
    expect(stderr.trimEnd()).not.toContain("\n");
    expect(stderr).not.toContain(SECRET);
  });

  test("an unreachable gateway", async () => {
    const url = `http://127.0.0.1:${await closedPort()}/graphql`;
    const { code, stderr } = await set([ALICE, "login.phone.on", "--yes"], { GATEWAY_URL: url });
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr:
        `${url}: The gateway cannot be reached (ECONNREFUSED). Nothing listens at the address, or a firewall refuses ` +
        "it. Check the address and the proxy. Nothing was changed.\n",
    });
    const { stdout } = await get([ALICE, "--json"], { GATEWAY_URL: url });
    expect(JSON.parse(stdout)).toMatchObject({
      command: "mfa get",
      exitCode: 2,
      error: { failure: "NETWORK" },
    });
  });

  test("an address that is not GraphQL", async () => {
    const { code, stderr } = await get([ALICE, "--url", new URL("/nowhere", env["GATEWAY_URL"]).href]);
    expect(code).toBe(2);
    expect(stderr).toContain("Is that the GraphQL address? It mostly ends in /graphql.");
  });
});

test("a bad token is the gateway's refusal, and is never printed", async () => {
  const token = keepSecret("a bad token", "eyJhbGciOiJub25lIn0.bad-token-of-a-command");
  const { code, stderr } = await get([ALICE], { GATEWAY_TOKEN: token });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^UNAUTHENTICATED: /);
  expect(stderr).not.toContain(token);
});
