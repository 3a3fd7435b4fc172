import { describe, expect, test } from "vitest";
import { ALICE, BOB, HEIDI } from "../support/seed-users.ts";
import { startGate } from "../support/start-gate.ts";
import { type StartedGateway, startGateway } from "../support/start-gateway.ts";

const SET = `mutation ($opUin: Uin!, $login: LoginActionMfaFlagInput) {
  setSubUserMfa(opUin: $opUin, login: $login) { camRequestId resolvedBy subUser { mfa { login { phone stoken } } } }
}`;

describe("concurrent changes", () => {
  test("that are identical make one write, and all callers get its answer", async () => {
    const { send, cam, hold } = await startHeld();
    const held = hold();
    const first = send(SET, { opUin: ALICE, login: { phone: true } });
    await held.arrived;
    const second = send(SET, { opUin: ALICE, login: { phone: true } });
    await received(send);
    held.release();
    const [one, other] = await Promise.all([first, second]);
    expect(one.errors).toEqual([]);
    expect(other.data).toEqual(one.data);
    expect(cam.counters()["SetMfaFlag"]?.received).toBe(1);
  });

  test("of one user that differ both take effect", async () => {
    const { send, cam, hold } = await startHeld();
    const held = hold();
    const first = send(SET, { opUin: HEIDI, login: { phone: true } });
    await held.arrived;
    const second = send(SET, { opUin: HEIDI, login: { stoken: true } });
    await received(send);
    expect(cam.counters()["DescribeSafeAuthFlagColl"]?.received).toBe(1);
    held.release();
    await Promise.all([first, second]);
    expect(cam.user(HEIDI)?.loginFlag).toMatchObject({ Phone: 1, Stoken: 1 });
  });

  test("of different users do not wait for each other", async () => {
    const { send, hold } = await startHeld();
    const held = hold();
    const alice = send(SET, { opUin: ALICE, login: { phone: true } });
    await held.arrived;
    held.passOthers();
    expect((await send(SET, { opUin: HEIDI, login: { phone: true } })).errors).toEqual([]);
    held.release();
    expect((await alice).errors).toEqual([]);
  });
});

test("a client that disconnects does not stop its change", async () => {
  const { gateway, cam, hold } = await startHeld();
  const held = hold();
  const client = new AbortController();
  const sent = fetch(gateway.address.url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query: SET, variables: { opUin: ALICE, login: { phone: true } } }),
    signal: client.signal,
  });
  await held.arrived;
  client.abort();
  await expect(sent).rejects.toThrow();
  held.release();
  await gateway.stop();
  expect(cam.user(ALICE)?.loginFlag).toMatchObject({ Phone: 1, Stoken: 1 });
});

test("several changes in one document run in order, and each has its own error", async () => {
  const { send, cam } = await startGateway();
  const { status, data, errors } = await send(`mutation {
    a: trySetSubUserMfa(opUin: "${ALICE}", login: { phone: true }) { __typename }
    b: trySetSubUserMfa(opUin: "${BOB}", login: { phone: true }) { ... on CamFailure { code } }
    c: trySetSubUserMfa(opUin: "${ALICE}", login: { phone: false }) {
      ... on SetSubUserMfaPayload { subUser { name mfa { login { phone } } } }
    }
  }`);
  expect({ status, errors }).toEqual({ status: 200, errors: [] });
  expect(data).toEqual({
    a: { __typename: "SetSubUserMfaPayload" },
    b: { code: "USER_NOT_BIND_PHONE" },
    c: { subUser: { name: "alice", mfa: { login: { phone: false } } } },
  });
  expect(cam.journal({ action: "SetMfaFlag" }).map(({ opUin }) => opUin)).toEqual([ALICE, BOB, ALICE]);
});

test("a failed change leaves the results of the other changes of its document intact", async () => {
  const { send, cam } = await startGateway();
  const { data, errors } = await send(`mutation {
    first: setSubUserMfa(opUin: "${ALICE}", login: { phone: true }) { resolvedBy }
    second: setSubUserMfa(opUin: "${BOB}", login: { phone: true }) { resolvedBy }
    third: setSubUserMfa(opUin: "${HEIDI}", login: { phone: true }) { resolvedBy }
    fourth: setSubUserMfa(opUin: "${ALICE}") { resolvedBy }
  }`);
  expect(data).toEqual({
    first: { resolvedBy: "REPLY" },
    second: null,
    third: { resolvedBy: "REPLY" },
    fourth: null,
  });
  expect(errors).toMatchObject([
    { path: ["second"], extensions: { code: "USER_NOT_BIND_PHONE", opUin: BOB } },
    { path: ["fourth"], extensions: { code: "NOTHING_TO_CHANGE", opUin: ALICE } },
  ]);
  expect(cam.user(HEIDI)?.loginFlag).toMatchObject({ Phone: 1 });
});

/** Starts a gateway. A test can hold its writes on their way to CAM. */
async function startHeld() {
  let gate: Awaited<ReturnType<typeof startGate>> | undefined;
  const started = await startGateway({
    between: async (emulatorUrl) => {
      gate = await startGate(emulatorUrl);
      return gate.url;
    },
  });
  const hold = () => {
    if (gate === undefined) throw new Error("The gate has not started.");
    return gate.hold("SetMfaFlag");
  };
  return { ...started, hold };
}

/**
 * Resolves when the gateway has begun every earlier request. The gateway reads requests in the order of their arrival.
 * After two whole exchanges an earlier request waits behind the held write.
 */
async function received(send: StartedGateway["send"]): Promise<void> {
  await send("{ __typename }");
  await send("{ __typename }");
}
