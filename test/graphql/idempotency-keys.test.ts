import { beforeEach, describe, expect, test } from "vitest";
import { ALICE, BOB } from "../support/seed-users.ts";
import { readReply, shareGateway, UNLIMITED } from "../support/start-gateway.ts";

const gateway = await shareGateway(UNLIMITED);
/** A new key for each test. */
let key = "";
let keys = 0;

beforeEach(() => {
  keys += 1;
  key = `k${keys}`;
});

const change = (of: string, on: boolean, field = "setSubUserMfa") => {
  const payload = "{ change { id } }";
  const selection =
    field === "setSubUserMfa"
      ? payload
      : `{ ... on SetSubUserMfaPayload ${payload} ... on CamFailure { code } }`;
  return `${field}(opUin: "${of}", login: { phone: ${on} }, action: { phone: ${on} }, reason: "test") ${selection}`;
};

/** Sends a mutation with the key. Returns the record's id or the error code of each change. */
async function send(
  selections: string,
  idempotencyKey = key,
  variables: Record<string, unknown> = {},
  rest = "",
) {
  const response = await gateway.http
    .post("/graphql")
    .set("idempotency-key", idempotencyKey)
    .send({ query: `mutation ${rest} ${selections}`, variables });
  const { data, errors } = readReply(response);
  return Object.entries(data ?? {}).map(([name, value]) => {
    const payload = value as { change?: { id: string }; code?: string } | null;
    return (
      payload?.change?.id ??
      payload?.code ??
      errors.find(({ path }) => path?.[0] === name)?.extensions["code"]
    );
  });
}

const writes = () => gateway.cam.journal({ action: "SetMfaFlag" }).length;

describe("a key belongs to one request of its caller", () => {
  test.each<[how: string, again: string]>([
    ["under another alias", `{ other: ${change(ALICE, true)} }`],
    ["with errors as data", `{ ${change(ALICE, true, "trySetSubUserMfa")} }`],
    ["with errors as data and under another alias", `{ other: ${change(ALICE, true, "trySetSubUserMfa")} }`],
    ["in an inline fragment", `{ ... { ${change(ALICE, true)} } }`],
    ["after another field", `{ rejectMfaChange(id: "x") { id } ${change(ALICE, true)} }`],
    [
      "after a change that is skipped",
      `{ no: ${change(BOB, true)} @skip(if: true) ${change(ALICE, true)} }`.replace(
        ") { change { id } } @skip(if: true)",
        ") @skip(if: true) { change { id } }",
      ),
    ],
  ])("the same request %s gets the recorded answer", async (_how, again) => {
    const [first] = await send(`{ ${change(ALICE, true)} }`);
    expect(first).toMatch(/^[0-9a-f-]{36}$/);
    const once = writes();
    expect((await send(again)).at(-1)).toBe(first);
    expect(writes()).toBe(once);
  });

  test.each<[how: string, again: string]>([
    ["of another user", `{ ${change(BOB, true)} }`],
    ["of another user under another alias", `{ other: ${change(BOB, true)} }`],
    ["with other switches", `{ ${change(ALICE, false)} }`],
    ["with errors as data", `{ ${change(BOB, true, "trySetSubUserMfa")} }`],
  ])("another request %s is refused", async (_how, again) => {
    await send(`{ ${change(ALICE, true)} }`);
    const once = writes();
    expect(await send(again)).toEqual(["IDEMPOTENCY_KEY_REUSED"]);
    expect(writes()).toBe(once);
  });
});

test("each change of a document has a key by its position, and a repeated document changes nothing", async () => {
  const document = `{ a: ${change(ALICE, true)} b: ${change(BOB, true, "trySetSubUserMfa")} }`;
  const records = await send(document);
  expect(new Set(records).size).toBe(2);
  const once = writes();
  expect(await send(document)).toEqual(records);
  expect(await send(`{ x: ${change(ALICE, true)} y: ${change(BOB, true)} }`)).toEqual(records);
  expect(
    await send(
      `{ ...F } fragment F on Mutation { x: ${change(ALICE, true)} ... { y: ${change(BOB, true)} } }`,
    ),
  ).toEqual(records);
  expect(await send(`{ ${change(BOB, true)} }`, `${key}/2`)).toEqual([records[1]]);
  expect(writes()).toBe(once);
  // In another order each position has another request.
  expect(await send(`{ b: ${change(BOB, true)} a: ${change(ALICE, true)} }`)).toEqual([
    "IDEMPOTENCY_KEY_REUSED",
    "IDEMPOTENCY_KEY_REUSED",
  ]);
});

test("two fields with the same response key are one change", async () => {
  const twice = `a: ${change(ALICE, true)}`;
  const records = await send(`{ ${twice} ${twice} b: ${change(BOB, true)} }`);
  expect(await send(`{ ${change(BOB, true)} }`, `${key}/2`)).toEqual([records[1]]);
});

test("a change that a variable skips has no key", async () => {
  const document = `{ a: ${change(ALICE, true)} b: ${change(BOB, true)} }`.replace(
    "{ phone: true } action",
    "{ phone: true }, action",
  );
  const skipping = document.replace('reason: "test") {', 'reason: "test") @skip(if: $no) {');
  const [bob] = await send(skipping, key, { no: true }, "($no: Boolean!)");
  expect(await send(`{ ${change(BOB, true)} }`)).toEqual([bob]);
});
