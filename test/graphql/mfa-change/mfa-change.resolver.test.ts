import { describe, expect, test } from "vitest";
import { cutDatabase } from "../../support/cut-database.ts";
import { createTestPostgres } from "../../support/open-test-database.ts";
import { ALICE, BOB, CAROL, HEIDI } from "../../support/seed-users.ts";
import {
  type Reply,
  type StartedGateway,
  shareGateway,
  startGateway,
  UNLIMITED,
} from "../../support/start-gateway.ts";

/** For tests that need no record of their own. */
const shared = await shareGateway({ ...UNLIMITED, env: { ...UNLIMITED.env, REPLICA: "gateway-1" } });

let users = 0;

/** Adds a user that no other test has changed, because the gateway trusts its own writes for a minute. */
function newUser(phone: string | null = "13800000091"): string {
  users += 1;
  const uin = String(100_021_994_000 + users);
  shared.cam.putUser({ uin, name: uin, phone, loginFlag: { Stoken: 1 } });
  return uin;
}

const RECORD = `
  id opUin caller { subject } gatewayRequestId
  requested { login { phone stoken wechat } action { phone } }
  before { login { phone stoken u2fToken } }
  sent { login { phone stoken wechat } action { phone } }
  status resolvedBy code camCode camRequestId attempts quotaWaitMs replica createdAt finishedAt`;

const phoneOn = (opUin: string) => `setSubUserMfa(opUin: "${opUin}", login: { phone: true })`;

async function changePhone({ send }: StartedGateway, opUin: string): Promise<string> {
  const { data, errors } = await send(`mutation { ${phoneOn(opUin)} { change { id } } }`);
  const applied = data?.["setSubUserMfa"] as { change: { id: string } } | undefined;
  return applied?.change.id ?? String(errors[0]?.extensions["changeId"]);
}

describe("the record of a change", () => {
  test("has the caller, the request, the before-image, the sent flags and the outcome", async () => {
    const started = shared;
    const opUin = newUser();
    const { data } = await started.send(
      `mutation { ${phoneOn(opUin)} { requestId camRequestId change { ${RECORD} } } }`,
    );
    const applied = data?.["setSubUserMfa"] as
      | { requestId: string; camRequestId: string; change: { id: string } }
      | undefined;
    expect(applied?.change).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7/),
      opUin,
      caller: { subject: "local" },
      gatewayRequestId: applied?.requestId,
      requested: { login: { phone: true, stoken: null, wechat: null }, action: null },
      before: { login: { phone: false, stoken: true, u2fToken: false } },
      sent: { login: { phone: true, stoken: true, wechat: false }, action: null },
      status: "APPLIED",
      resolvedBy: "REPLY",
      code: null,
      camCode: null,
      camRequestId: applied?.camRequestId,
      attempts: 1,
      quotaWaitMs: expect.any(Number),
      replica: "gateway-1",
      createdAt: expect.stringMatching(/Z$/),
      finishedAt: expect.stringMatching(/Z$/),
    });
    const { data: read } = await started.send(`{ mfaChange(id: "${applied?.change.id}") { ${RECORD} } }`);
    expect(read?.["mfaChange"]).toEqual(applied?.change);
  });

  test("has its id in the error of a change that CAM refused, by both channels", async () => {
    const started = shared;
    const id = await changePhone(started, BOB);
    const { data } = await started.send(`{ mfaChange(id: "${id}") { status resolvedBy code camCode } }`);
    expect(data?.["mfaChange"]).toEqual({
      status: "REFUSED",
      resolvedBy: "REPLY",
      code: "USER_NOT_BIND_PHONE",
      camCode: "FailedOperation.UserNotBindPhone",
    });
    const tried = await started.send(
      `mutation { trySetSubUserMfa(opUin: "${BOB}", login: { phone: true }) { ... on CamFailure { changeId } } }`,
    );
    expect(tried.data?.["trySetSubUserMfa"]).toEqual({ changeId: expect.stringMatching(/-7/) });
  });

  test("does not exist for a request that names no method", async () => {
    const started = await startGateway();
    const { errors } = await started.send(`mutation { setSubUserMfa(opUin: "${ALICE}") { requestId } }`);
    expect(errors[0]?.extensions).not.toHaveProperty("changeId");
    const { data } = await started.send("{ mfaChanges { nodes { id } } }");
    expect(data?.["mfaChanges"]).toEqual({ nodes: [] });
  });

  test.each(["", "1", "not-an-id", "00000000-0000-7000-8000-000000000000"])(
    "is null for the unknown id %j",
    async (id) => {
      const { data, errors } = await shared.send(`{ mfaChange(id: "${id}") { id } }`);
      expect(errors).toEqual([]);
      expect(data).toEqual({ mfaChange: null });
    },
  );
});

describe("the list of changes", () => {
  const page = (args: string) =>
    `{ mfaChanges${args} { edges { cursor node { id } } nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`;
  const idsOf = ({ data }: Reply): string[] | undefined => {
    const changes = data?.["mfaChanges"] as { nodes: { id: string }[] } | undefined;
    return changes?.nodes.map(({ id }) => id);
  };

  test("comes newest first, a page at a time", async () => {
    const started = await startGateway();
    const ids: string[] = [];
    for (const user of [ALICE, BOB, CAROL, HEIDI, ALICE]) ids.unshift(await changePhone(started, user));
    const first = await started.send(page("(first: 2)"));
    expect(first.data?.["mfaChanges"]).toEqual({
      edges: ids.slice(0, 2).map((id) => ({ cursor: id, node: { id } })),
      nodes: ids.slice(0, 2).map((id) => ({ id })),
      pageInfo: { hasNextPage: true, hasPreviousPage: false, startCursor: ids[0], endCursor: ids[1] },
    });
    expect(idsOf(await started.send(page(`(first: 2, after: "${ids[1]}")`)))).toEqual(ids.slice(2, 4));
    const last = await started.send(page(`(first: 2, after: "${ids[3]}")`));
    expect(last.data?.["mfaChanges"]).toMatchObject({
      pageInfo: { hasNextPage: false, hasPreviousPage: true },
    });
  });

  test("can be filtered by user, status, caller and time", async () => {
    const started = await startGateway();
    const [alice, bob] = [await changePhone(started, ALICE), await changePhone(started, BOB)];
    const found = async (args: string) => idsOf(await started.send(page(args)));
    expect(await found(`(opUin: "${BOB}")`)).toEqual([bob]);
    expect(await found("(status: APPLIED)")).toEqual([alice]);
    expect(await found('(caller: "local")')).toEqual([bob, alice]);
    expect(await found('(caller: "somebody else")')).toEqual([]);
    expect(await found('(until: "2020-01-01T00:00:00Z")')).toEqual([]);
    expect(await found('(from: "2020-01-01T00:00:00Z")')).toEqual([bob, alice]);
  });

  test.each(["(first: 0)", "(first: -1)", "(first: 101)", '(after: "not a cursor")', '(caller: "\\u0000")'])(
    "refuses %s as bad input",
    async (args) => {
      const { errors } = await shared.send(page(args));
      expect(errors[0]?.extensions["code"]).toBe("BAD_USER_INPUT");
    },
  );
});

describe("an Idempotency-Key", () => {
  const keyed = async ({ http }: StartedGateway, key: string, query: string) => {
    const { body } = await http.post("/graphql").set("idempotency-key", key).send({ query });
    return body as Reply;
  };

  test("answers a repeated request from the record, without a second write", async () => {
    const started = shared;
    const query = `mutation { ${phoneOn(newUser())} { camRequestId change { id } } }`;
    const [first, second] = [await keyed(started, "key-1", query), await keyed(started, '"key-1"', query)];
    expect(first.data).not.toBeNull();
    expect(second.data).toEqual(first.data);
    expect(started.cam.counters()["SetMfaFlag"]?.received).toBe(1);
  });

  test("answers a repeated request of a refused change with the same error", async () => {
    const started = shared;
    const query = `mutation { ${phoneOn(newUser(null))} { requestId } }`;
    const [first, second] = [await keyed(started, "key-2", query), await keyed(started, "key-2", query)];
    const facts = ({ errors }: Reply) => ({ ...errors[0]?.extensions, requestId: undefined });
    expect(facts(first)).toMatchObject({ code: "USER_NOT_BIND_PHONE", changeId: expect.any(String) });
    expect(facts(second)).toEqual(facts(first));
    expect(started.cam.counters()["SetMfaFlag"]?.received).toBe(1);
  });

  test("refuses other arguments under the same key", async () => {
    const started = shared;
    await keyed(started, "key-3", `mutation { ${phoneOn(newUser())} { requestId } }`);
    const { errors } = await keyed(started, "key-3", `mutation { ${phoneOn(newUser())} { requestId } }`);
    expect(errors[0]?.extensions).toMatchObject({
      code: "IDEMPOTENCY_KEY_REUSED",
      changeId: expect.any(String),
    });
    expect(started.cam.counters()["SetMfaFlag"]?.received).toBe(1);
  });

  test("covers each field of a document separately", async () => {
    const started = shared;
    const query = `mutation { a: ${phoneOn(newUser())} { camRequestId } b: ${phoneOn(newUser())} { camRequestId } }`;
    const [first, second] = [await keyed(started, "key-4", query), await keyed(started, "key-4", query)];
    expect(second.data).toEqual(first.data);
    expect(started.cam.counters()["SetMfaFlag"]?.received).toBe(2);
  });

  test("that is malformed is refused before the change begins", async () => {
    const started = shared;
    const query = `mutation { ${phoneOn(ALICE)} { requestId } }`;
    for (const key of ["a b", '""', "x".repeat(201), '"unfinished']) {
      const { status, body } = await started.http
        .post("/graphql")
        .set("idempotency-key", key)
        .send({ query });
      expect({ key, status, code: body.errors[0].extensions.code }).toEqual({
        key,
        status: 400,
        code: "BAD_REQUEST",
      });
    }
    expect(started.cam.counters()["SetMfaFlag"]).toBeUndefined();
  });
});

describe("without the database", () => {
  test("a change is refused without a write to CAM", async () => {
    const DATABASE_URL = await createTestPostgres();
    const started = await startGateway({ env: { DATABASE_URL } });
    const restore = await cutDatabase(DATABASE_URL);
    const { errors } = await started.send(`mutation { ${phoneOn(ALICE)} { requestId } }`);
    expect(errors[0]?.extensions).toMatchObject({ code: "STORE_UNAVAILABLE", retryable: true });
    expect(started.cam.counters()["SetMfaFlag"]).toBeUndefined();
    const { data } = await started.send(`{ subUser(opUin: "${ALICE}") { name } }`);
    expect(data).toEqual({ subUser: { name: "alice" } });
    await restore();
  });
});

test("camQuota returns the limit and the use of each action", async () => {
  const started = await startGateway();
  await changePhone(started, ALICE);
  const { data } = await started.send(
    "{ camQuota { action ratePerSecond windowMs used queued nextSlotInMs throttledRecently shared } }",
  );
  const quota = data?.["camQuota"] as { action: string }[];
  expect(quota.map(({ action }) => action)).toEqual(
    expect.arrayContaining(["SetMfaFlag", "DescribeSafeAuthFlagColl"]),
  );
  expect(quota.find(({ action }) => action === "SetMfaFlag")).toMatchObject({
    ratePerSecond: 20,
    queued: 0,
    throttledRecently: false,
    shared: true,
  });
});
