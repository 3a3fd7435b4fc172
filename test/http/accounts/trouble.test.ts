import { expect, test } from "vitest";
import { ChangeStore } from "../../../src/audit/change-store.ts";
import { FRESH, intentOf } from "../../audit/intent-of.ts";
import { closedPort } from "../../support/closed-port.ts";
import { createTestPostgres, openTestPostgres } from "../../support/open-test-database.ts";
import { ALICE, BOB, CAROL } from "../../support/seed-users.ts";
import { uin } from "../../support/start-change-service.ts";
import { codesOf, PARTNER_KEY, startAccountsWorld } from "./accounts-world.ts";

const change = (account: string) =>
  `mutation { setSubUserMfa(opUin: "${ALICE}", account: "${account}", login: { phone: true }) { requestId } }`;
const read = (account: string, opUin = ALICE) =>
  `{ subUser(opUin: "${opUin}", account: "${account}") { name } }`;

test.each([
  [
    "whose key CAM does not recognise",
    async () => ({ credentials: { secretId: "AKIDNOBODY", secretKey: { variable: "HOME" } } }),
    "CAM_CREDENTIALS_REJECTED",
  ],
  [
    "without a key",
    async () => ({ credentials: { secretId: "AKIDNOBODY", secretKey: { file: "/nowhere/key" } } }),
    "CAM_CREDENTIALS_UNAVAILABLE",
  ],
  [
    "whose CAM is unreachable",
    async () => ({ endpoint: `http://127.0.0.1:${await closedPort()}` }),
    "CAM_UNREACHABLE",
  ],
])("an account %s does not affect other accounts", async (_what, partner, code) => {
  const world = await startAccountsWorld({
    partner: await partner(),
    env: { HOME: "PartnerUnknownSecretKey", CAM_DEADLINE_MS: "2000", CAM_TIMEOUT_MS: "1000" },
  });
  await world.http.get("/health/ready").expect(200);
  expect(codesOf(await world.ask(change("partner"), "wang"))).toEqual([code]);
  expect(codesOf(await world.ask(read("partner"), "wang"))).toEqual([code]);
  expect((await world.ask(change("default"), "wang")).errors).toEqual([]);
  await world.http.get("/health/ready").expect(200);
});

test("CAM's failures in one account open only the circuit of that account", async () => {
  const world = await startAccountsWorld({
    env: { CAM_CIRCUIT_FAILURES: "2", CAM_DEADLINE_MS: "2000", CAM_TIMEOUT_MS: "1000" },
  });
  world.partner.addFault({ kind: "httpStatus", status: 500, action: "DescribeSubAccounts" });
  const codes: unknown[] = [];
  while (!codes.includes("CAM_CIRCUIT_OPEN")) {
    const opUin = codes.length % 2 === 0 ? ALICE : BOB;
    codes.push(...codesOf(await world.ask(read("partner", opUin), "wang")));
    expect(codes.length).toBeLessThan(10);
  }
  expect((await world.ask(read("default"), "wang")).errors).toEqual([]);
});

test("a key rotation in one account does not affect the other account", async () => {
  const world = await startAccountsWorld();
  const keysOf = (cam: typeof world.cam) =>
    new Set(cam.journal({ action: "DescribeSubAccounts" }).map(({ keyId }) => keyId));
  await world.ask(read("partner"), "wang");
  await world.ask(read("default"), "wang");
  const renewed = { secretId: "AKIDPARTNERRENEWED", secretKey: "PartnerRenewedSecretKey" };
  const [old] = world.partner.keys();
  world.partner.putKey({ ...renewed, uin: old?.uin ?? "" });
  await world.rotate(renewed);
  world.partner.changeKey(PARTNER_KEY.secretId, { disabled: true });
  world.partner.clearJournal();
  expect((await world.ask(read("partner", CAROL), "wang")).errors).toEqual([]);
  expect(keysOf(world.partner)).toEqual(new Set([PARTNER_KEY.secretId, renewed.secretId]));
  expect((await world.ask(read("default", CAROL), "wang")).errors).toEqual([]);
  expect(keysOf(world.cam)).toEqual(new Set(["AKIDLOCALEXAMPLE"]));
  const loaded = world.logLines.filter((line) => line.includes("key for CAM loaded"));
  expect(loaded.map((line) => (JSON.parse(line) as { account: string }).account).sort()).toEqual([
    "default",
    "partner",
    "partner",
  ]);
});

test("each account has its own rate, and calls in one do not use the quota of the other", async () => {
  const world = await startAccountsWorld({
    partner: { ratePerSecond: 2 },
    env: { CAM_RATE_PER_SECOND: "30" },
  });
  await Promise.all([1, 2, 3].map(() => world.ask(read("partner"), "wang")));
  await world.ask(read("default"), "wang");
  const { data } = await world.ask("{ camQuota { account action ratePerSecond used shared } }", "wang");
  const { camQuota } = data as {
    camQuota: { account: string; action: string; ratePerSecond: number; used: number }[];
  };
  const quotaOf = (account: string) =>
    camQuota.find((quota) => quota.account === account && quota.action === "DescribeSubAccounts");
  expect(quotaOf("partner")).toMatchObject({ ratePerSecond: 2, shared: true });
  expect(quotaOf("default")).toMatchObject({ ratePerSecond: 30, used: 1, shared: true });
});

test("the cost of an operation is measured by the rate of its account", async () => {
  const world = await startAccountsWorld({
    partner: { ratePerSecond: 1 },
    env: { CAM_DEADLINE_MS: "2000", CAM_TIMEOUT_MS: "2000" },
  });
  const reads = (account: string, count: number) =>
    Array.from(
      { length: count },
      (_, at) => `${account}${at}: subUser(opUin: ${at + 1}, account: "${account}") { name }`,
    ).join(" ");
  const message = async (query: string) => (await world.ask(query, "wang")).errors[0]?.message;
  expect(await message(`{ ${reads("partner", 3)} ${reads("default", 1)} }`)).toBe(
    "The operation needs 3 calls of DescribeSubAccounts in the account partner. CAM accepts 1 a second, so they would " +
      "take 3 s, and an operation has 2 s. Ask for at most 2 at a time and send the rest in further requests.",
  );
  expect(await message(`{ ${reads("default", 10)} }`)).toBeUndefined();
});

test("after a crash, an open change is settled by the CAM of its account, and an orphaned change stays open", async () => {
  const url = await createTestPostgres();
  const log = new ChangeStore({ database: await openTestPostgres(url), replica: "crashed" });
  const sent = { opUin: ALICE, login: { phone: true, stoken: true, wechat: false } };
  const open = (account: string) =>
    log.begin(intentOf({ account, opUin: uin(ALICE), sent, leaseMs: -1 }), FRESH).then(({ id }) => id);
  const [here, there, gone] = [await open("default"), await open("partner"), await open("gone")];
  const world = await startAccountsWorld({
    env: { DATABASE_URL: url },
    // The partner's CAM applied the change before the crash. In the default CAM the user has no phone, so the outcome
    // stays unknown.
    prepare: (partner) => void partner.putUser({ uin: ALICE, loginFlag: { Phone: 1, Stoken: 1, Wechat: 0 } }),
  });
  const statusOf = async (id: string) => (await log.find(id))?.status;
  await expect.poll(() => statusOf(there), { timeout: 20_000 }).toBe("applied");
  await expect.poll(() => statusOf(here), { timeout: 20_000 }).toBe("unknown");
  expect(await statusOf(gone)).toBe("pending");
  const lines = world.logLines.map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines).toContainEqual(
    expect.objectContaining({
      level: "error",
      account: "gone",
      changes: 1,
      msg: expect.stringContaining("their account is not in CAM_ACCOUNTS"),
    }),
  );
  expect(lines).toContainEqual(
    expect.objectContaining({ msg: "an open change was settled", account: "partner", changeId: there }),
  );
});

test("a role in another account is assumed with the key of the default account", async () => {
  const roleArn = "qcs::cam::uin/200000000001:roleName/mfa-gateway-there";
  const world = await startAccountsWorld({
    partner: { credentials: { assumeRole: { roleArn } } },
    seed: {
      keys: [{ secretId: "AKIDLOCALEXAMPLE", secretKey: "LocalExampleSecretKey", uin: "100021969090" }],
      roles: [{ roleId: "4611686018427397930", name: "mfa-gateway-there", trustedUins: ["100021969090"] }],
    },
  });
  expect((await world.ask(change("partner"), "wang")).errors).toEqual([]);
  const calls = world.partner.journal().map(({ action, keyId }) => [action, keyId] as const);
  expect(calls).toContainEqual(["AssumeRole", "AKIDLOCALEXAMPLE"]);
  expect(calls.find(([action]) => action === "SetMfaFlag")?.[1]).not.toBe("AKIDLOCALEXAMPLE");
  expect(world.cam.journal({ action: "AssumeRole" })).toEqual([]);
});
