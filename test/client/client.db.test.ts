import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  type CamGatewayClient,
  CamGatewayError,
  createCamGatewayClient,
  GatewayTransportError,
} from "../../src/client/index.ts";
import { CAM_ERROR_CATALOGUE } from "../../src/contract/index.ts";
import { ALICE, BOB, CAROL, HEIDI, NOBODY } from "../support/seed-users.ts";
import { type StartedGateway, startGateway, UNLIMITED } from "../support/start-gateway.ts";

const ABSENT = "018f0000-0000-7000-8000-000000000000";
const fieldErrors: Error[] = [];
let started: StartedGateway;
let client: CamGatewayClient;

beforeAll(async () => {
  started = await startGateway(UNLIMITED);
  const onFieldError = (error: Error) => fieldErrors.push(error);
  client = createCamGatewayClient({ url: started.gateway.address.url, onFieldError });
});

beforeEach(() => {
  started.cam.reset();
  fieldErrors.length = 0;
});

describe("the client reads", () => {
  test("a user, or null for an unknown one", async () => {
    expect(await client.subUser(ALICE)).toMatchObject({
      opUin: ALICE,
      name: "alice",
      mfa: { login: { stoken: true } },
    });
    expect(await client.subUser(NOBODY)).toBeNull();
  });

  test("several users, in the order of the request", async () => {
    const users = await client.subUsers([BOB, NOBODY, ALICE]);
    expect(users.map((user) => user?.name)).toEqual(["bob", undefined, "alice"]);
  });

  test("the catalogue and the quota", async () => {
    expect(await client.camErrors()).toEqual(CAM_ERROR_CATALOGUE);
    await client.subUser(ALICE);
    const quota = await client.camQuota();
    expect(quota).toContainEqual(expect.objectContaining({ action: "DescribeSubAccounts", shared: true }));
  });

  test("the record, page by page", async () => {
    await client.setSubUserMfa({ opUin: HEIDI, login: { phone: true } });
    await client.setSubUserMfa({ opUin: HEIDI, action: { stoken: true } });
    const first = await client.mfaChanges({ opUin: HEIDI, first: 1 });
    expect(first).toMatchObject({
      edges: [{ node: { requested: { login: null, action: { stoken: true } }, status: "APPLIED" } }],
      pageInfo: { hasNextPage: true },
    });
    const second = await client.mfaChanges({ opUin: HEIDI, first: 1, after: first.pageInfo.endCursor });
    expect(second.edges[0]?.node.requested).toMatchObject({ login: { phone: true }, action: null });
    const { id } = first.edges[0]?.node ?? { id: ABSENT };
    expect(await client.mfaChange(id)).toEqual(first.edges[0]?.node);
    expect(await client.mfaChange(ABSENT)).toBeNull();
    expect((await client.mfaChanges()).edges.length).toBeGreaterThan(1);
    expect(await client.auditEvents({ kind: "ACCOUNT_ADDED" })).toMatchObject({
      nodes: [{ kind: "ACCOUNT_ADDED", account: "default", rule: null }],
      pageInfo: { hasNextPage: false },
    });
  });

  test("an answer with a null field, and reports the error of that field", async () => {
    started.cam.addFault({
      kind: "camError",
      code: "UnauthorizedOperation",
      action: "DescribeSafeAuthFlagColl",
    });
    expect(await client.subUser(ALICE)).toMatchObject({ name: "alice", mfa: null });
    expect(fieldErrors).toEqual([expect.objectContaining({ code: "CAM_PERMISSION_DENIED" })]);
  });
});

describe("a change by the client", () => {
  test("returns the payload", async () => {
    const change = { opUin: ALICE, login: { phone: true }, action: { phone: true } };
    expect(await client.setSubUserMfa(change)).toMatchObject({
      __typename: "SetSubUserMfaPayload",
      resolvedBy: "REPLY",
      change: { opUin: ALICE, status: "APPLIED" },
      subUser: { opUin: ALICE, mfa: { login: { phone: true, stoken: true }, action: { phone: true } } },
    });
  });

  test("throws the business error", async () => {
    const error = await client
      .setSubUserMfa({ opUin: BOB, login: { phone: true } })
      .catch((reason) => reason);
    expect(error).toBeInstanceOf(CamGatewayError);
    expect(error).toMatchObject({
      name: "CamGatewayError",
      code: "USER_NOT_BIND_PHONE",
      message: expect.stringContaining("no phone number bound"),
      extensions: {
        code: "USER_NOT_BIND_PHONE",
        opUin: BOB,
        cam: { code: "FailedOperation.UserNotBindPhone" },
      },
    });
  });

  test("returns the business error as data from trySetSubUserMfa", async () => {
    expect(await client.trySetSubUserMfa({ opUin: CAROL, action: { wechat: true } })).toMatchObject({
      __typename: "CamFailure",
      code: "USER_NOT_BIND_WECHAT",
      retryable: false,
      retryAfterMs: null,
      camAction: "SetMfaFlag",
    });
    expect(await client.trySetSubUserMfa({ opUin: CAROL, action: { stoken: true } })).toMatchObject({
      __typename: "SetSubUserMfaPayload",
    });
  });

  test("runs once for an idempotency key, even if the caller repeats it", async () => {
    const options = { idempotencyKey: crypto.randomUUID() };
    const change = { opUin: ALICE, login: { wechat: true } };
    const first = await client.setSubUserMfa(change, options);
    const again = await client.setSubUserMfa(change, options);
    expect(again).toMatchObject({ change: { id: first.change?.id } });
    expect(started.cam.counters()["SetMfaFlag"]?.received).toBe(1);
    await expect(client.setSubUserMfa({ ...change, opUin: CAROL }, options)).rejects.toMatchObject({
      code: "IDEMPOTENCY_KEY_REUSED",
    });
  });

  test("sends no request after the caller aborted it", async () => {
    const signal = AbortSignal.abort(new Error("no longer wanted"));
    await expect(client.setSubUserMfa({ opUin: ALICE, login: { phone: true } }, { signal })).rejects.toThrow(
      "no longer wanted",
    );
    expect(started.cam.counters()["SetMfaFlag"]).toBeUndefined();
  });
});

test("an operation that GraphQL rejects is not a business error", async () => {
  const error = await client.subUser("0x1").catch((reason) => reason);
  expect(error).toBeInstanceOf(GatewayTransportError);
  expect(error).toMatchObject({ failure: "REJECTED", problems: [{ code: "BAD_USER_INPUT" }] });
});
