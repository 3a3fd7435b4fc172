import { beforeAll, describe, expect, test, vi } from "vitest";
import { gatewayConfig } from "../../docs/consumers/routers/hive-gateway.config.ts";
import type { CamErrorCode } from "../../src/contract/index.ts";
import { BOB, CAROL, DAVE, GRACE, HEIDI, NOBODY } from "../support/seed-users.ts";
import { type HeldCalls, startGate } from "../support/start-gate.ts";
import { type StartedGateway, startGateway, UNLIMITED } from "../support/start-gateway.ts";
import { startHiveGateway } from "../support/start-hive-gateway.ts";
import { asSubgraph, sendTo } from "../support/started-router.ts";
import {
  startThrottled,
  startWithOpenCircuit,
  startWithoutRecords,
  startWithoutSlots,
} from "./error-matrix/start-troubled.ts";
import { FAILURES } from "./support/failures.ts";
import { putUsers } from "./support/put-users.ts";
import { listenUntilOver, type Relay, startRelay } from "./support/start-relay.ts";

/** Retries are limited by number, and the timeout for CAM is short. */
const ENV = { ...UNLIMITED.env, CAM_TIMEOUT_MS: "1000", CAM_DEADLINE_MS: "60000" };

/** Hive Gateway's retry plugin for all operations, mutations included. */
const EAGER = { upstreamRetry: { maxRetries: 3, retryDelay: 1 } };

let gateway: StartedGateway;
let relay: Relay;
/** Hive Gateway in front of the relay, and the relay in front of each user's gateway. */
let hiveUrl: string;

beforeAll(async () => {
  gateway = await startGateway({ ...UNLIMITED, env: ENV });
  relay = await startRelay();
  hiveUrl = await hiveBefore(relay.url, EAGER);
});

async function hiveBefore(url: string, hive: Parameters<typeof startHiveGateway>[0]["hive"]) {
  const subgraph = { ...asSubgraph(gateway), url };
  return (await startHiveGateway({ subgraphs: [subgraph], hive: { ...hive, logging: false } })).url;
}

/** Sends a mutation once. Returns its result and the numbers of requests at the gateway and at CAM. */
async function ask({ cam, gateway: { address } }: StartedGateway, opUin: string, method = "phone") {
  relay.route([opUin], address.url);
  return { ...(await askBy(hiveUrl, cam, opUin, method)), requests: relay.received(opUin) };
}

async function askBy(url: string, cam: StartedGateway["cam"], opUin: string, method: string) {
  const { data, errors } = await sendTo(
    url,
    `mutation { setSubUserMfa(opUin: "${opUin}", login: { ${method}: true }) { resolvedBy } }`,
  );
  const outcome = errors[0]?.extensions["code"] ?? data?.["setSubUserMfa"];
  return { outcome, writes: writesOf(opUin, cam) };
}

function writesOf(opUin: string, cam: StartedGateway["cam"]): number {
  return cam.journal({ action: "SetMfaFlag" }).filter(({ opUins }) => opUins.includes(opUin)).length;
}

describe("Hive Gateway with retries sends a change to the gateway only once, in spite of", () => {
  test.each<[code: CamErrorCode, opUin: string, method: string, writes: number, camCode?: string]>([
    ["USER_NOT_BIND_PHONE", BOB, "phone", 1],
    ["USER_NOT_BIND_WECHAT", CAROL, "wechat", 1],
    ["USER_UNBIND_NO_PERMISSION", DAVE, "phone", 1],
    ["MFA_TOKEN_ERROR", GRACE, "phone", 1],
    ["USER_NOT_EXIST", "100021979001", "phone", 1, "InvalidParameter.UserNotExist"],
    // The read before the write finds no such user.
    ["USER_NOT_EXIST", NOBODY, "phone", 0],
    ["CAM_PERMISSION_DENIED", "100021979002", "phone", 1, "UnauthorizedOperation"],
    // A code without proof: the gateway itself sends the change again, and the outcome stays unknown.
    ["OUTCOME_UNKNOWN", "100021979003", "phone", 4, "Brand.New"],
  ])("%s of %s", async (code, opUin, method, writes, camCode) => {
    if (camCode !== undefined) {
      putUsers(gateway.cam, [opUin]);
      gateway.cam.addFault({ kind: "camError", code: camCode, action: "SetMfaFlag", opUin });
    }
    expect(await ask(gateway, opUin, method)).toEqual({ outcome: code, writes, requests: 1 });
  });
});

describe.concurrent("Hive Gateway with retries adds no call to the gateway's own after", () => {
  test.each(
    [
      ...FAILURES,
      ["silence of the read before", { kind: "silence", action: "DescribeSafeAuthFlagColl" }, 0] as const,
    ].map((failure, at) => [...failure, at] as const),
  )("%s", async (_what, fault, writes, at) => {
    // Two equal users: one is changed through the router, the other without it.
    const [through, without] = [100021970000 + 2 * at, 100021970001 + 2 * at].map(String) as [string, string];
    putUsers(gateway.cam, [through, without]);
    for (const opUin of [through, without]) gateway.cam.addFault({ ...fault, opUin });
    const own = await askBy(gateway.gateway.address.url, gateway.cam, without, "phone");
    expect(own.writes).toBe(writes);
    expect(await ask(gateway, through)).toEqual({ ...own, requests: 1 });
  });
});

describe("Hive Gateway with retries adds no call to those of a gateway", () => {
  test.each<[string, CamErrorCode, number, string, () => Promise<StartedGateway>]>([
    ["that CAM throttles", "CAM_RATE_LIMITED", 4, "100021979011", startThrottled],
    ["with an open circuit", "CAM_CIRCUIT_OPEN", 0, "100021979012", startWithOpenCircuit],
    ["without a slot of CAM's quota", "QUOTA_EXHAUSTED", 0, "100021979013", startWithoutSlots],
    ["that cannot reach its records", "STORE_UNAVAILABLE", 0, "100021979014", startWithoutRecords],
  ])("%s", async (_what, outcome, writes, opUin, start) => {
    const started = await start();
    putUsers(started.cam, [opUin]);
    expect(await ask(started, opUin)).toEqual({ outcome, writes, requests: 1 });
  });
});

test("a router that times out and repeats the change joins it", async () => {
  const opUin = "100021979004";
  const held = Promise.withResolvers<HeldCalls>();
  const started = await startGateway({
    env: { ...ENV, CAM_TIMEOUT_MS: "60000" },
    between: async (camUrl) => {
      const gate = await startGate(camUrl);
      held.resolve(gate.hold("SetMfaFlag"));
      return gate.url;
    },
  });
  putUsers(started.cam, [opUin]);
  relay.route([opUin], started.gateway.address.url);
  const url = await hiveBefore(relay.url, { ...EAGER, upstreamTimeout: 500 });
  await askBy(url, started.cam, opUin, "phone");
  expect(relay.received(opUin)).toBe(1 + EAGER.upstreamRetry.maxRetries);
  (await held.promise).release();
  await vi.waitFor(async () => {
    const { data } = await started.send(`{ mfaChanges(opUin: "${opUin}") { nodes { status } } }`);
    expect(data).toEqual({ mfaChanges: { nodes: [{ status: "APPLIED" }] } });
  }, 20_000);
  expect(writesOf(opUin, started.cam)).toBe(1);
});

test("a change with an idempotency key is written once even if the router loses its answer", async () => {
  const opUin = "100021979005";
  putUsers(gateway.cam, [opUin]);
  relay.route([opUin], gateway.gateway.address.url, () => ({ "idempotency-key": "key-of-a-lost-answer" }));
  relay.loseAnswers(opUin, 2);
  expect(await askBy(hiveUrl, gateway.cam, opUin, "phone")).toEqual({
    outcome: { resolvedBy: "REPLY" },
    writes: 1,
  });
  expect(relay.received(opUin)).toBe(3);
});

test.each([
  ["for all operations", EAGER, 4],
  ["as docs/consumers/routers.md configures them", gatewayConfig, 1],
])(
  "a connection to the gateway that breaks, with Hive Gateway's retries %s",
  async (_how, options, requests) => {
    let received = 0;
    const url = await listenUntilOver((_request, response) => {
      received += 1;
      response.destroy();
    });
    const query = `mutation { setSubUserMfa(opUin: "${HEIDI}", login: { phone: true }) { resolvedBy } }`;
    await sendTo(await hiveBefore(url, options), query);
    expect(received).toBe(requests);
  },
);
