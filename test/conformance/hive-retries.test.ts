import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { gatewayConfig } from "../../docs/routers/hive-gateway.config.ts";
import type { CamErrorCode } from "../../src/contract/index.ts";
import type { FaultInput } from "../../src/emulator/index.ts";
import { cutDatabase } from "../support/cut-database.ts";
import { createTestPostgres } from "../support/open-test-database.ts";
import { BOB, CAROL, DAVE, GRACE, HEIDI, NOBODY } from "../support/seed-users.ts";
import { type StartedGateway, startGateway, UNLIMITED } from "../support/start-gateway.ts";
import { startHiveGateway } from "../support/start-hive-gateway.ts";
import { asSubgraph, type StartedRouter } from "../support/started-router.ts";
import { putUsers } from "./support/put-users.ts";
import { listenUntilOver } from "./support/start-relay.ts";

/** Attempts end by their number here, and CAM's silence soon. */
const ENV = { ...UNLIMITED.env, CAM_TIMEOUT_MS: "1000", CAM_DEADLINE_MS: "60000" };

/** Of two that are alike, one is changed through the router and one without it. */
const THROUGH = "100021970001";
const WITHOUT = "100021970002";

/** The plugin for retries at work on everything, mutations included. */
const EAGER = { upstreamRetry: { maxRetries: 3, retryDelay: 1 } };

let gateway: StartedGateway;
let hive: StartedRouter;

beforeAll(async () => {
  gateway = await startGateway({ ...UNLIMITED, env: ENV });
  hive = await startHiveGateway({
    subgraphs: [asSubgraph(gateway)],
    hive: EAGER,
  });
});

beforeEach(() => gateway.cam.reset());

/** What CAM heard of a mutation that is sent once, and what it came to. */
async function ask(send: StartedRouter["send"] | StartedGateway["send"], opUin: string, method: string) {
  const { data, errors } = await send(
    `mutation { setSubUserMfa(opUin: "${opUin}", login: { ${method}: true }) { resolvedBy } }`,
  );
  const outcome = errors[0]?.extensions["code"] ?? data?.["setSubUserMfa"];
  const writes = gateway.cam.journal({ action: "SetMfaFlag" }).filter(({ opUins }) => opUins.includes(opUin));
  return { outcome, writes: writes.length };
}

describe("Hive Gateway that retries sends a change once, in spite of", () => {
  test.each<[code: CamErrorCode, opUin: string, method: string, writes: number, camCode?: string]>([
    ["USER_NOT_BIND_PHONE", BOB, "phone", 1],
    ["USER_NOT_BIND_WECHAT", CAROL, "wechat", 1],
    ["USER_UNBIND_NO_PERMISSION", DAVE, "phone", 1],
    ["MFA_TOKEN_ERROR", GRACE, "phone", 1],
    ["USER_NOT_EXIST", HEIDI, "phone", 1, "InvalidParameter.UserNotExist"],
    ["USER_NOT_EXIST", NOBODY, "phone", 0],
    ["CAM_PERMISSION_DENIED", HEIDI, "phone", 1, "UnauthorizedOperation"],
    ["CAM_UNKNOWN_ERROR", HEIDI, "phone", 1, "Brand.New"],
  ])("%s of %s", async (code, opUin, method, writes, camCode) => {
    if (camCode !== undefined)
      gateway.cam.addFault({ kind: "camError", code: camCode, action: "SetMfaFlag" });
    expect(await ask(hive.send, opUin, method)).toEqual({ outcome: code, writes });
  });
});

describe("Hive Gateway that retries adds nothing to what the gateway itself repeats after", () => {
  const write = { action: "SetMfaFlag" } as const;
  test.each<[what: string, fault: FaultInput]>([
    ["InternalError", { kind: "camError", code: "InternalError", ...write }],
    ["HTTP 500 of CAM", { kind: "httpStatus", status: 500, ...write }],
    ["HTTP 503 of CAM, the change made", { kind: "httpStatus", status: 503, apply: true, ...write }],
    ["HTTP 429 of CAM", { kind: "httpStatus", status: 429, ...write }],
    ["a connection cut before the change was made", { kind: "cutBefore", times: 1, ...write }],
    ["a connection cut each time before the change was made", { kind: "cutBefore", ...write }],
    ["a connection cut after the change was made", { kind: "cutAfter", ...write }],
    ["silence", { kind: "silence", times: 1, ...write }],
    ["silence, the change made", { kind: "silence", apply: true, ...write }],
    ["silence of the read before", { kind: "silence", action: "DescribeSafeAuthFlagColl" }],
  ])("%s", async (_what, fault) => {
    putUsers(gateway.cam, [THROUGH, WITHOUT]);
    for (const opUin of [THROUGH, WITHOUT]) gateway.cam.addFault({ ...fault, opUin });
    const [through, without] = await Promise.all([
      ask(hive.send, THROUGH, "phone"),
      ask(gateway.send, WITHOUT, "phone"),
    ]);
    expect(through).toEqual(without);
  });

  test("a throttle", async () => {
    gateway.cam.addFault({ kind: "throttle", ...write });
    expect(await ask(hive.send, HEIDI, "phone")).toEqual({ outcome: "CAM_RATE_LIMITED", writes: 4 });
  });
});

test("Hive Gateway that retries sends no change while the gateway cannot reach its records", async () => {
  const databaseUrl = await createTestPostgres();
  const started = await startGateway({ env: { DATABASE_URL: databaseUrl } });
  const { send } = await startHiveGateway({ subgraphs: [asSubgraph(started)], hive: EAGER });
  const restore = await cutDatabase(databaseUrl);
  const { errors } = await send(
    `mutation { setSubUserMfa(opUin: "${HEIDI}", login: { phone: true }) { resolvedBy } }`,
  );
  await restore();
  expect(errors).toMatchObject([{ extensions: { code: "STORE_UNAVAILABLE" } }]);
  expect(started.cam.counters()["SetMfaFlag"]).toBeUndefined();
});

test.each([
  ["at work on everything", EAGER, 4],
  ["as docs/routers.md has them", gatewayConfig, 1],
])(
  "a connection to the gateway that breaks, with Hive Gateway's retries %s",
  async (_how, options, requests) => {
    let received = 0;
    const url = await listenUntilOver((_request, response) => {
      received += 1;
      response.destroy();
    });
    const subgraph = { ...asSubgraph(gateway), url };
    const { send } = await startHiveGateway({ subgraphs: [subgraph], hive: { ...options, logging: false } });
    await ask(send, THROUGH, "phone");
    expect(received).toBe(requests);
  },
);
