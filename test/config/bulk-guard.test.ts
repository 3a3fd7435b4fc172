import { expect, test } from "vitest";
import { bulkGuard } from "../../src/config/config.ts";
import { variables } from "../../src/config/variables.ts";

test.each([
  ["server", {}, { users: 100, withinMs: 600_000 }],
  ["local", {}, { users: 0, withinMs: 600_000 }],
  ["local", { BULK_GUARD_USERS: "5" }, { users: 5, withinMs: 600_000 }],
  ["server", { BULK_GUARD_USERS: "0", BULK_GUARD_MINUTES: "1" }, { users: 0, withinMs: 60_000 }],
] as const)("the bulk guard of %s mode with %o", (mode, env, guard) => {
  expect(bulkGuard(variables.parse(env), mode)).toEqual(guard);
});

test.each([
  { BULK_GUARD_USERS: "-1" },
  { BULK_GUARD_USERS: "many" },
  { BULK_GUARD_MINUTES: "0" },
  { BULK_GUARD_MINUTES: "1441" },
])("is not configured by %o", (env) => {
  expect(variables.safeParse(env).success).toBe(false);
});
