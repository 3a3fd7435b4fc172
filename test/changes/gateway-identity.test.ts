import { expect, test } from "vitest";
import type { CamClient, Credential, CredentialSettings, KeyOwner } from "../../src/cam/index.ts";
import { GatewayIdentity, isOfWrongAccount, uinsOf } from "../../src/changes/gateway-identity.ts";
import type { Clock } from "../../src/clock.ts";
import { Secret } from "../../src/secret.ts";
import { OWN_PAIR, ROLE } from "../cam/credentials/role-keys.ts";
import { closedPort } from "../support/closed-port.ts";
import { createCam, createEmulatedCam } from "../support/create-cam.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { ALICE, BOB } from "../support/seed-users.ts";
import { uin } from "../support/start-change-service.ts";
import { silence, startStubCam } from "../support/start-stub-cam.ts";
import { whenOver } from "../support/when-over.ts";

/** The users of schema/emulator-seed.json. */
const ROOT = "100000000001";
const OWNER = "100021969090";

const DEADLINE_MS = 15_000;

/** @param bound The main account to which the name is bound. By default that of the first key. */
function watch(cam: Pick<CamClient, "call" | "secretIdFor">, clock: Clock, bound?: { uin: string }) {
  const known: KeyOwner[] = [];
  const unknown: unknown[] = [];
  const elsewhere: string[] = [];
  const observer = {
    onWrongAccount: ({ message }: Error) => void elsewhere.push(message),
    onKnown: (identity: KeyOwner) => void known.push(identity),
    onUnknown: (error: unknown) => void unknown.push(error),
  };
  const gatewayIdentity = new GatewayIdentity({
    ...{ name: "partner", cam, clock, timeLimitMs: DEADLINE_MS, observer },
    bind: async (accountUin) => bound?.uin ?? accountUin,
  });
  whenOver(() => gatewayIdentity.stop());
  const has = (opUin: string, ms = DEADLINE_MS) =>
    gatewayIdentity.has(uin(opUin), { deadlineMs: clock.monotonic() + ms });
  return { gatewayIdentity, has, known, unknown, elsewhere };
}

test.each<[string, Partial<CredentialSettings>, readonly string[]]>([
  ["a user's", { environment: OWN_PAIR }, [OWNER, ROOT]],
  ["a role's, for which the user applied", { environment: OWN_PAIR, role: ROLE }, [OWNER, ROOT]],
])("a key that is %s makes that user and the account the gateway's own", async (_whose, keys, own) => {
  const { client, clock } = await createEmulatedCam({ keys });
  const { has } = watch(client, clock);
  for (const opUin of own) expect(await has(opUin), opUin).toBe(true);
  for (const opUin of [ALICE, BOB, "1", "18446744073709551615"]) expect(await has(opUin), opUin).toBe(false);
});

test("with the account's own key only the account is the gateway's own", async () => {
  const { client, clock, emulator } = await createEmulatedCam({ keys: { environment: OWN_PAIR } });
  emulator.control.changeKey("AKIDLOCALEXAMPLE", { uin: ROOT });
  const { has } = watch(client, clock);
  expect(await Promise.all([ROOT, OWNER, ALICE].map((opUin) => has(opUin)))).toEqual([true, false, false]);
});

test("parallel and later questions share one call to CAM", async () => {
  const { client, clock, emulator } = await createEmulatedCam();
  const { has, known } = watch(client, clock);
  await Promise.all(Array.from({ length: 100 }, () => has(ALICE)));
  await has(BOB);
  expect(emulator.control.counters()["GetCallerIdentity"]).toMatchObject({ received: 1 });
  expect(known).toMatchObject([{ type: "CAMUser", principalId: OWNER, accountId: ROOT }]);
});

test("an unknown owner of the key fails each question, and the next question calls CAM again", async () => {
  const { client, clock, emulator } = await createEmulatedCam();
  const { has } = watch(client, clock);
  emulator.control.changeKey("AKIDLOCALEXAMPLE", { disabled: true });
  const both = await Promise.allSettled([has(ALICE), has(OWNER)]);
  for (const answer of both) {
    expect(answer).toMatchObject({
      status: "rejected",
      reason: { name: "CamError", kind: "REFUSED", camCode: expect.stringMatching(/^AuthFailure/) },
    });
  }
  emulator.control.changeKey("AKIDLOCALEXAMPLE", { disabled: false });
  expect(await Promise.all([has(ALICE), has(OWNER)])).toEqual([false, true]);
});

test("a missing key fails the question too", async () => {
  const { client, clock } = createCam(`http://127.0.0.1:${await closedPort()}`, {
    keys: { environment: {} },
  });
  await expect(watch(client, clock).has(ALICE)).rejects.toMatchObject({ kind: "NO_CREDENTIAL" });
});

test("a wait for the answer ends at the deadline of the caller", async () => {
  const stub = await startStubCam(silence);
  const clock = new FakeClock();
  const { client } = createCam(stub.url, { clock, config: { timeoutMs: 60_000 } });
  const { has } = watch(client, clock);
  const patient = has(ALICE).catch((error: unknown) => error);
  const hasty = has(ALICE, 100).catch((error: unknown) => error);
  await stub.requestCount(1);
  await clock.advance(100);
  expect(await hasty).toMatchObject({ name: "CamError", kind: "TIMEOUT", action: "GetCallerIdentity" });
  await clock.advance(DEADLINE_MS);
  expect(await patient).toMatchObject({ name: "CamError" });
  expect(stub.requests).toHaveLength(1);
});

test("a key of another user adds that user, and the earlier users remain", async () => {
  let credential: Credential = key("AKIDFIRST");
  const provider = { name: "test", load: async () => credential };
  const { client, clock, credentials, emulator } = await createEmulatedCam({ provider });
  const put = (secretId: string, opUin: string) =>
    emulator.control.putKey({ secretId, secretKey: `key-of-${secretId}`, uin: opUin });
  put("AKIDFIRST", ALICE);
  put("AKIDSECOND", BOB);
  const { has, known } = watch(client, clock);
  expect([await has(ALICE), await has(BOB)]).toEqual([true, false]);
  const first = await credentials.get();
  credential = key("AKIDSECOND");
  await credentials.replace(first);
  expect([await has(ALICE), await has(BOB)]).toEqual([true, true]);
  expect(known).toHaveLength(2);
});

test("a key that changes during the call causes another call", async () => {
  const identities = [
    { type: "CAMUser", accountId: ROOT, principalId: ALICE, arn: undefined },
    { type: "CAMUser", accountId: ROOT, principalId: BOB, arn: undefined },
  ];
  let calls = 0;
  const cam = {
    secretIdFor: async () => (calls === 0 ? "AKIDFIRST" : "AKIDSECOND"),
    call: async () => ({ output: identities[calls++], camRequestId: "test" }),
  };
  const { has } = watch(cam as unknown as CamClient, new FakeClock());
  expect([await has(ALICE), await has(BOB)]).toEqual([false, true]);
  expect(calls).toBe(2);
});

test("a key of another main account is refused and reported once, until the name is bound to it", async () => {
  const { client, clock } = await createEmulatedCam();
  const bound = { uin: "100000000002" };
  const { gatewayIdentity, has, elsewhere, known, unknown } = watch(client, clock, bound);
  const message = expect.stringMatching(
    new RegExp(
      `^The account partner is bound to the main account 100000000002, and its key belongs to ${ROOT}\\. `,
    ),
  );
  for (const opUin of [ALICE, ROOT]) {
    const error = await has(opUin).catch((reason: unknown) => reason);
    expect(isOfWrongAccount(error)).toBe(true);
    expect(error).toMatchObject({ kind: "NO_CREDENTIAL", cause: { message } });
  }
  expect(gatewayIdentity.knows(uin(ROOT))).toBe(false);
  expect({ elsewhere, known, unknown }).toEqual({ elsewhere: [message], known: [], unknown: [] });
  bound.uin = ROOT;
  expect(await has(ROOT)).toBe(true);
});

test("start() calls CAM before the first change and repeats the call until CAM answers", async () => {
  const { client, clock, emulator } = await createEmulatedCam({ keys: { environment: OWN_PAIR } });
  emulator.control.changeKey("AKIDLOCALEXAMPLE", { disabled: true });
  const { gatewayIdentity, known, unknown } = watch(client, clock);
  const refusals = Promise.withResolvers<void>();
  clock.sleep = async () => {
    emulator.control.changeKey("AKIDLOCALEXAMPLE", { disabled: false });
    refusals.resolve();
  };
  expect(await gatewayIdentity.start()).toMatchObject({ kind: "REFUSED" });
  await refusals.promise;
  await expect.poll(() => known.length).toBe(1);
  expect(unknown).toHaveLength(1);
});

test.each<[string, Partial<KeyOwner>]>([
  ["no account", { principalId: OWNER }],
  ["no user", { accountId: ROOT }],
  ["a principal that is not a user", { accountId: ROOT, principalId: "4611686018427397919:gateway-1" }],
])("an answer that names %s is refused", (_what, identity) => {
  const nothing = { type: undefined, accountId: undefined, principalId: undefined, arn: undefined };
  expect(() => uinsOf({ ...nothing, ...identity })).toThrow(
    expect.objectContaining({ name: "CamError", kind: "BAD_RESPONSE" }),
  );
});

function key(secretId: string): Credential {
  return { secretId, secretKey: new Secret(`key-of-${secretId}`) };
}
