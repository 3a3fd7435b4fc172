import { expect, test } from "vitest";
import { scanDirectory } from "../support/scan-directory.ts";
import { ALICE, BOB } from "../support/seed-users.ts";
import { readReply, startGateway, UNLIMITED } from "../support/start-gateway.ts";
import { startIssuer } from "../support/start-issuer.ts";
import { runCommand } from "./run-command.ts";

const MALLORY = "100021969200";
const FORMULA = "=HYPERLINK(A1)\u001b[2J";
const ADDED = 250;

const issuer = await startIssuer();
const env = { ...UNLIMITED.env, ...issuer.env };
const { gateway, http, cam } = await startGateway({ ...UNLIMITED, env, callers: "proved" });
cam.putUser({ uin: MALLORY, name: FORMULA });
for (let at = 0; at < ADDED; at++) cam.putUser({ uin: String(100021970000 + at), name: `added-${at}` });
const token = await issuer.sign();
await scanDirectory(async (query) =>
  readReply(await http.post("/graphql").auth(token, { type: "bearer" }).send({ query })),
);
const users = cam.users().length;

const report = (args: readonly string[], GATEWAY_TOKEN = token) =>
  runCommand("report", args, { GATEWAY_URL: gateway.address.url, GATEWAY_TOKEN });

test("lists every user of all pages once, as JSON lines", async () => {
  const { code, stdout, stderr } = await report(["--format", "jsonl"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const rows = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(new Set(rows.map(({ opUin }) => opUin)).size).toBe(rows.length);
  expect(rows).toHaveLength(users);
  expect(rows.find(({ opUin }) => opUin === ALICE)).toEqual({
    ...{ account: "default", opUin: ALICE, name: "alice", login: "stoken", action: "none", strength: "TOTP" },
    ...{ hasPhone: "yes", consoleLogin: "yes", lastLogin: "2026-11-02 09:15:00", source: "SCAN" },
    ...{ age: expect.stringMatching(/^\d+ (s|min)$/), asOf: expect.any(String), remark: expect.any(String) },
  });
  expect(rows.find(({ opUin }) => opUin === MALLORY)).toMatchObject({ name: FORMULA });
});

test("lists users without protection as CSV that runs no formula", async () => {
  const { code, stdout } = await report(["--format", "csv", "--filter", "unprotected"]);
  expect(code).toBe(0);
  expect(stdout).toContain(`'${FORMULA}`);
  expect(stdout).toContain(`default,${BOB},bob,none,none,NONE,no`);
  expect(stdout).not.toContain(ALICE);
});

test("prints an aligned table without control characters", async () => {
  const { code, stdout } = await report(["--account", "default"]);
  expect(code).toBe(0);
  const [header = "", ...rows] = stdout.trimEnd().split("\n");
  expect(rows).toHaveLength(users);
  const column = header.indexOf("strength");
  expect(rows.find((row) => row.includes(" alice "))?.slice(column)).toMatch(/^TOTP /);
  expect(stdout).not.toContain("\u001b");
});

test("ends with 1 and the missing scope for a caller without it", async () => {
  const { code, stderr } = await report([], await issuer.sign({ claims: { scope: "cam.mfa:read" } }));
  expect(code).toBe(1);
  expect(stderr).toContain("cam.directory:read");
});

test("ends with 2 for a filter that it does not have", async () => {
  const { code, stderr } = await report(["--filter", "some"]);
  expect(code).toBe(2);
  expect(stderr).toContain("Allowed choices are unprotected, protected, unknown");
});
