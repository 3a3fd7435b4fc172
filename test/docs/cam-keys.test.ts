import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import {
  describeSafeAuthFlagColl,
  describeSubAccounts,
  getCallerIdentity,
  listAccounts,
  listUsers,
  setMfaFlag,
} from "../../src/cam/index.ts";
import { loadConfig } from "../../src/config/config.ts";
import { variables } from "../../src/config/variables.ts";
import { LOG_EVENTS } from "../../src/telemetry/log-events.ts";
import { SOME_ISSUER, SOME_POLICY } from "../support/server-env.ts";
import { fencedBlocks } from "./pages.ts";

const page = await readFile("docs/operators/cam-keys.md", "utf8");
const blocks = fencedBlocks(page);

const SERVER = {
  CAM_ENDPOINT: "https://cam.tencentcloudapi.com",
  DATABASE_URL: "postgres://db/gateway",
  ...SOME_ISSUER,
  ...SOME_POLICY,
};

test("server mode accepts the settings on the page", () => {
  const shown = blocks.filter(({ language }) => language === "ini");
  expect(shown).toHaveLength(2);
  for (const { text } of shown) {
    const env = Object.fromEntries(
      text
        .trim()
        .split("\n")
        .map((line) => line.split("=") as [string, string]),
    );
    expect(loadConfig({ ...SERVER, ...env }, "server")).toMatchObject({ mode: "server" });
  }
});

test("the policy on the page permits the actions that the gateway calls, and no other", () => {
  const policy = blocks.find(({ language }) => language === "json")?.text ?? "";
  const [statement] = (JSON.parse(policy) as { statement: { action: string[] }[] }).statement;
  const called = [
    ...[setMfaFlag, describeSafeAuthFlagColl, describeSubAccounts, listUsers, listAccounts],
    getCallerIdentity,
  ];
  expect(statement?.action).toEqual(called.map(({ service, name }) => `${service}:${name}`));
});

test("the page names only existing variables, and every variable of TKE", () => {
  const named = [...page.matchAll(/`((?:TENCENTCLOUD|TKE|CAM)_[A-Z_]+)`/g)].map(([, name = ""]) => name);
  const known = Object.keys(variables.shape);
  expect(named.filter((name) => !known.includes(name) && name !== "CAM_CREDENTIALS_UNAVAILABLE")).toEqual([]);
  expect(named).toEqual(expect.arrayContaining(known.filter((name) => name.startsWith("TKE_"))));
});

test("the log events on the page exist", () => {
  for (const event of ["cam.key_loaded", "cam.key_not_renewed"]) {
    expect(page).toContain(`\`${event}\``);
    expect(Object.keys(LOG_EVENTS)).toContain(event);
  }
});
