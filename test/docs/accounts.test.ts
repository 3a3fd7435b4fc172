import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { parse, validate } from "graphql";
import { expect, test } from "vitest";
import { parse as parseYaml } from "yaml";
import { accountsFileSchema, parseAccountsFile } from "../../src/config/accounts-file.ts";
import { loadConfig } from "../../src/config/config.ts";
import { gatewaySchema } from "../../src/graphql/schema.ts";
import { SOME_ISSUER, SOME_POLICY } from "../support/server-env.ts";
import { fencedBlocks } from "./pages.ts";

const page = readFileSync("docs/operators/accounts.md", "utf8");
const blocks = fencedBlocks(page);
const textOf = (language: string): string => blocks.find((block) => block.language === language)?.text ?? "";
const isValid = new Ajv2020({ strict: false }).compile(
  JSON.parse(readFileSync("schema/accounts.schema.json", "utf8")) as object,
);

const SERVER = {
  CAM_ENDPOINT: "https://cam.tencentcloudapi.com",
  TENCENTCLOUD_CAM_ROLE_NAME: "mfa-gateway",
  DATABASE_URL: "postgres://db/gateway",
  CAM_ACCOUNTS: "accounts.yaml",
  ...SOME_ISSUER,
  ...SOME_POLICY,
};

test("the gateway and editors accept the file on the page", () => {
  const { accounts } = loadConfig(SERVER, "server");
  if (accounts === undefined) throw new Error("The configuration has no accounts.");
  const problems: string[] = [];
  const names = parseAccountsFile(textOf("yaml"), accounts, problems).map(({ name }) => name);
  expect(problems).toEqual([]);
  expect(names).toEqual(["production-cn", "partner"]);
  expect(isValid(parseYaml(textOf("yaml"))), JSON.stringify(isValid.errors)).toBe(true);
});

test("the table has every setting of an account, and no other", () => {
  const named = [...page.matchAll(/^\| (`[^|]*`) +\|/gm)].flatMap(([, cell = ""]) => {
    const [first = "", ...others] = [...cell.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name);
    const room = first.includes(".") ? "credentials." : "";
    return [first, ...others.map((name) => `${room}${name}`)];
  });
  const account = accountsFileSchema.shape.accounts.valueType.shape;
  const { credentials, ...settings } = account;
  const places = Object.keys(credentials.unwrap().shape).map((name) => `credentials.${name}`);
  expect(named.toSorted()).toEqual([...Object.keys(settings), ...places].toSorted());
});

test("the gateway accepts the file for local mode on the page", () => {
  const { accounts } = loadConfig({ CAM_ACCOUNTS: "accounts.json" }, "local");
  if (accounts === undefined) throw new Error("The configuration has no accounts.");
  const problems: string[] = [];
  expect(parseAccountsFile(textOf("json"), accounts, problems)).toMatchObject([
    { name: "partner", cam: undefined },
  ]);
  expect(problems).toEqual([]);
});

test("the operation on the page is valid", () => {
  expect(validate(gatewaySchema(), parse(textOf("graphql")))).toEqual([]);
});

test.each([
  {},
  { accounts: [] },
  { accounts: { Partner: {} } },
  { accounts: { partner: { rate: 1 } } },
  { accounts: { partner: { credentials: { secretId: "AKID", secretKey: "text" } } } },
])("the JSON Schema refuses %j", (content) => {
  expect(isValid(content)).toBe(false);
});
