import { expect, test } from "vitest";
import { ALICE, BOB, CAROL, HEIDI, NOBODY } from "../support/seed-users.ts";
import { shareGateway, UNLIMITED } from "../support/start-gateway.ts";

const { send, cam, logLines } = await shareGateway(UNLIMITED);

const ENTITIES = `query ($representations: [_Any!]!) {
  _entities(representations: $representations) { ... on SubUser { opUin name } }
}`;

test("entities come in the order of their representations, with null for an unknown user", async () => {
  const representations = [HEIDI, NOBODY, ALICE, HEIDI].map((opUin) => ({ __typename: "SubUser", opUin }));
  expect(await send(ENTITIES, { representations })).toMatchObject({
    errors: [],
    data: {
      _entities: [
        { opUin: HEIDI, name: "heidi" },
        null,
        { opUin: ALICE, name: "alice" },
        { opUin: HEIDI, name: "heidi" },
      ],
    },
  });
  expect(cam.counters()["DescribeSubAccounts"]?.received).toBe(1);
});

test.each([
  ["a malformed Uin", { __typename: "SubUser", opUin: "abc" }],
  ["no Uin", { __typename: "SubUser" }],
  ["a null Uin", { __typename: "SubUser", opUin: null }],
  ["a Uin that JSON has rounded", { __typename: "SubUser", opUin: 2 ** 60 }],
  ["an unknown type", { __typename: "Nobody", opUin: ALICE }],
  ["a type that is not an entity", { __typename: "SubUserMfa", opUin: ALICE }],
  ["a type that is not an object", { __typename: "Uin" }],
  ["no type", { opUin: ALICE }],
  ["a string", "SubUser"],
  ["a list", []],
])("a bad representation makes only its own entity null: %s", async (_case, bad) => {
  const good = (opUin: string) => ({ __typename: "SubUser", opUin });
  const { status, data, errors } = await send(ENTITIES, { representations: [good(ALICE), bad, good(BOB)] });
  expect(status).toBe(200);
  expect(data).toMatchObject({ _entities: [{ name: "alice" }, null, { name: "bob" }] });
  expect(errors).toMatchObject([{ path: ["_entities", 1], extensions: { code: "BAD_USER_INPUT" } }]);
  // A bad request of a router is not a fault of the gateway.
  expect(logLines.filter((line) => line.includes("unexpected error"))).toEqual([]);
});

test("a query may select only the protections of an entity", async () => {
  const query = ENTITIES.replace("opUin name", "mfa { action { phone } }");
  const representations = [{ __typename: "SubUser", opUin: CAROL }];
  expect((await send(query, { representations })).data).toEqual({
    _entities: [{ mfa: { action: { phone: true } } }],
  });
});

test("an entity that the gateway cannot read is a typed error at its own path", async () => {
  cam.addFault({ kind: "camError", code: "UnauthorizedOperation", action: "DescribeSubAccounts" });
  const representations = [{ __typename: "SubUser", opUin: ALICE }];
  expect((await send(ENTITIES, { representations })).errors).toMatchObject([
    { path: ["_entities", 0], extensions: { code: "CAM_PERMISSION_DENIED", opUin: ALICE } },
  ]);
});

test("a router gets the SDL even if introspection is off", async () => {
  const { data, errors } = await send("{ _service { sdl } }");
  expect(errors).toEqual([]);
  const { sdl } = (data?.["_service"] ?? {}) as { readonly sdl: string };
  expect(sdl).toContain(`@key(fields: "opUin")`);
  expect(sdl).toContain("https://specs.apollo.dev/federation/v2.9");
});
