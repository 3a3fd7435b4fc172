import "reflect-metadata";
import { expect, test } from "vitest";
import { decodeCursor, encodeCursor } from "../../../src/graphql/directory/sub-user-directory.resolver.ts";
import { ALICE } from "../../support/seed-users.ts";

const LIST = ["NAME", { search: "a" }];
const POSITION = { key: "alice “the first”", account: "default", opUin: ALICE };
const CURSOR = encodeCursor(POSITION, LIST);

test("a cursor gives back its position in its own list", () => {
  expect(decodeCursor(CURSOR, LIST, "NAME")).toEqual(POSITION);
});

test.each([
  ["of another filter", CURSOR, ["NAME", { search: "b" }]],
  ["that is empty", "", LIST],
  ["that is no cursor", "alice", LIST],
  ["that is cut off", CURSOR.slice(0, -4), LIST],
  ["that is altered", encodeCursor({ ...POSITION, key: "bob" }, ["another list"]), LIST],
  ["with a NUL, and a right digest", encodeCursor({ ...POSITION, key: "\0" }, LIST), LIST],
  [
    "with half of a surrogate pair, and a right digest",
    encodeCursor({ ...POSITION, key: "\ud800" }, LIST),
    LIST,
  ],
  ["with a Uin of letters, and a right digest", encodeCursor({ ...POSITION, opUin: "x'" }, LIST), LIST],
  [
    "with an impossible account, and a right digest",
    encodeCursor({ ...POSITION, account: "A'" }, LIST),
    LIST,
  ],
])("refuses a cursor %s as bad input", (_case, cursor, list) => {
  expect(() => decodeCursor(cursor, list, "NAME")).toThrow(
    expect.objectContaining({
      message: expect.stringContaining('"after" is not a cursor of this list.'),
      extensions: { code: "BAD_USER_INPUT" },
    }),
  );
});

test.each(["STRENGTH", "PROTECTIONS_AS_OF"] as const)("refuses a key that is no number for %s", (field) => {
  expect(() => decodeCursor(encodeCursor({ ...POSITION, key: "1e9" }, LIST), LIST, field)).toThrow();
  const position = { ...POSITION, key: "3" };
  expect(decodeCursor(encodeCursor(position, LIST), LIST, field)).toEqual(position);
});
