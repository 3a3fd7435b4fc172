import { beforeAll, expect, test } from "vitest";
import { type StartedGateway, startGateway, UNLIMITED } from "../support/start-gateway.ts";

let shared: StartedGateway;

beforeAll(async () => {
  shared = await startGateway(UNLIMITED);
});

const CHANGES = (name: string, type: string) =>
  `query ($value: ${type}) { mfaChanges(${name}: $value) { nodes { id } } }`;

test.each<[what: string, query: string, value: unknown]>([
  ["an account", CHANGES("account", "String"), "\0"],
  ["an account in the middle", CHANGES("account", "String"), "a\0b"],
  ["a caller", CHANGES("caller", "String"), "\0"],
  ["a cursor", CHANGES("after", "String"), "\0"],
  ["a date before all dates", CHANGES("from", "DateTimeISO"), -8.64e15],
  ["a date after all dates", CHANGES("until", "DateTimeISO"), 8.64e15],
  ["a change", "query ($value: ID!) { mfaChange(id: $value) { id } }", "\0"],
  ["a user's account", 'query ($value: String) { subUser(opUin: "1", account: $value) { name } }', "\0"],
  ["users' account", "query ($value: String) { subUsers(opUins: [1], account: $value) { name } }", "\0"],
  [
    "a changed user's account",
    'mutation ($value: String) { setSubUserMfa(opUin: "1", account: $value, login: {phone: true}) { requestId } }',
    "\0",
  ],
  ["an approved change", "mutation ($value: ID!) { approveMfaChange(id: $value) { requestId } }", "\0"],
  [
    "a reason of an approval",
    'mutation ($value: String) { approveMfaChange(id: "x", reason: $value) { requestId } }',
    "\0",
  ],
  ["a rejected change", "mutation ($value: ID!) { rejectMfaChange(id: $value) { id } }", "\0"],
  ["a paused caller", "mutation ($value: String!) { resumeCaller(subject: $value) { subject } }", "\0"],
  [
    "an entity",
    "query ($value: _Any!) { _entities(representations: [$value]) { __typename } }",
    { __typename: "SubUser", id: "\0/1" },
  ],
  [
    "an entity's type",
    "query ($value: _Any!) { _entities(representations: [$value]) { __typename } }",
    { __typename: "\0" },
  ],
])("%s that the database cannot store is not an error of the gateway", async (_what, query, value) => {
  const { errors } = await shared.send(query, { value });
  for (const { extensions } of errors) expect(extensions["code"]).not.toMatch(/INTERNAL|UNAVAILABLE/);
});
