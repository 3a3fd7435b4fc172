import { sql } from "kysely";
import { expect, onTestFinished, test, vi } from "vitest";
import { ChangeStore } from "../../../src/audit/change-store.ts";
import { systemClock } from "../../../src/clock.ts";
import { loadSeedFile } from "../../../src/emulator/index.ts";
import { FILE_POLL_MS } from "../../../src/poller.ts";
import { FRESH, intentOf } from "../../audit/intent-of.ts";
import { createTestPostgres, openTestPostgres } from "../../support/open-test-database.ts";
import { ALICE, CAROL } from "../../support/seed-users.ts";
import { uin } from "../../support/start-change-service.ts";
import { UNLIMITED } from "../../support/start-gateway.ts";
import { codesOf, startAccountsWorld, startPartner } from "./accounts-world.ts";

type World = Awaited<ReturnType<typeof startAccountsWorld>>;

/** The system clock, with short sleeps between polls of the file and counts of open changes. */
const HASTY = {
  ...systemClock,
  sleep: (ms: number, signal?: AbortSignal) =>
    systemClock.sleep([FILE_POLL_MS, 5_000].includes(ms) ? 20 : ms, signal),
};
const ENV = { ...UNLIMITED.env, CAM_DEADLINE_MS: "2000", CAM_TIMEOUT_MS: "1000" };
const start = (options: Parameters<typeof startAccountsWorld>[0] = {}) =>
  startAccountsWorld({ ...options, clock: HASTY, env: { ...ENV, ...options.env } });

const ELSEWHERE = { ...loadSeedFile().account, ownerUin: "300000000001" };

const SOON = { timeout: 60_000 };

const read = (account: string) => `{ subUser(opUin: "${ALICE}", account: "${account}") { account } }`;
const change = (account: string, opUin = ALICE) =>
  `mutation { setSubUserMfa(opUin: "${opUin}", account: "${account}", login: { phone: true }) { change { account } } }`;

const linesOf = ({ logLines }: World, event: string) =>
  logLines
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter((line) => line["event"] === event);
const eventsOf = async (world: World) => {
  const { data } = await world.ask("{ auditEvents(first: 100) { nodes { kind account details } } }", "wang");
  const { nodes } = (data as { auditEvents: { nodes: { kind: string; account: string; details: string }[] } })
    .auditEvents;
  return nodes
    .filter(({ kind }) => kind.startsWith("ACCOUNT"))
    .map(({ kind, account }) => `${kind} ${account}`);
};
const seriesOf = async ({ admin }: World, account: string) =>
  (await admin.get("/metrics")).text.split("\n").filter((line) => line.includes(`"${account}"`));
const partOf = async ({ admin }: World, part: string) =>
  ((await admin.get("/health/ready").expect(200)).body.parts as { part: string; state: string }[]).find(
    (each) => each.part === part,
  );

test("accounts that are added, changed and removed under load fail no request of other accounts", async () => {
  // The default deadlines, because a busy machine answers late.
  const world = await start({ env: { CAM_DEADLINE_MS: "15000", CAM_TIMEOUT_MS: "5000" } });
  let isOver = false;
  let answered = 0;
  const failed: unknown[] = [];
  async function traffic(account: string): Promise<void> {
    while (!isOver) {
      for (const query of [read(account), change(account, CAROL)]) {
        const { errors } = await world.ask(query, "wang");
        if (errors.length > 0) failed.push(errors);
        answered += 1;
      }
    }
  }
  const callers = Promise.all(["default", "partner"].map(traffic));
  onTestFinished(async () => {
    isOver = true;
    await callers.catch(() => undefined);
  });
  const answersAfter = (more: number) => {
    const until = answered + more;
    return expect.poll(() => answered, SOON).toBeGreaterThan(until);
  };
  await answersAfter(10);
  const { entry, writeAccounts } = world;
  expect(codesOf(await world.ask(read("missing"), "wang"))).toEqual(["UNKNOWN_ACCOUNT"]);
  await writeAccounts({ partner: entry, missing: entry });
  await expect.poll(() => linesOf(world, "accounts.in_use").length, SOON).toBe(2);
  await answersAfter(10);
  expect((await world.ask(change("missing"), "wang")).errors).toEqual([]);
  expect((await seriesOf(world, "missing")).length).toBeGreaterThan(5);

  // The key has a new place, and the account another rate.
  const { secretId, secretKey } = { secretId: "AKIDPARTNEREXAMPLE", secretKey: entry.credentials.secretKey };
  await writeAccounts({
    partner: { ...entry, ratePerSecond: 700, credentials: { secretId, secretKey } },
    missing: entry,
  });
  await expect.poll(() => linesOf(world, "accounts.in_use").length, SOON).toBe(3);
  await answersAfter(10);
  expect(await seriesOf(world, "partner")).toContain('cam_quota_limit{account="partner"} 700');

  await writeAccounts({ partner: { ...entry, ratePerSecond: 700, credentials: { secretId, secretKey } } });
  await expect.poll(() => linesOf(world, "accounts.in_use").length, SOON).toBe(4);
  for (const query of [read("missing"), change("missing")]) {
    expect(codesOf(await world.ask(query, "wang"))).toEqual(["UNKNOWN_ACCOUNT"]);
  }
  await expect.poll(() => linesOf(world, "account.closed"), SOON).toMatchObject([{ account: "missing" }]);
  expect(await seriesOf(world, "missing")).toEqual([]);
  isOver = true;
  await callers;
  expect(failed).toEqual([]);
  expect(linesOf(world, "accounts.in_use").slice(1)).toMatchObject([
    { added: ["missing"], changed: [], removed: [] },
    { added: [], changed: ["partner"], removed: [] },
    { added: [], changed: [], removed: ["missing"] },
  ]);
  expect((await eventsOf(world)).slice(0, -4)).toEqual([
    "ACCOUNT_REMOVED missing",
    "ACCOUNT_CHANGED partner",
    "ACCOUNT_ADDED missing",
    "ACCOUNT_BOUND missing",
  ]);
}, 120_000);

test("a bad file leaves the old accounts in use, and says so until the file is good", async () => {
  const world = await start();
  expect(await partOf(world, "accounts")).toMatchObject({ state: "ok" });
  const elsewhere = await startPartner({ account: ELSEWHERE });
  const missing = { secretId: "AKID", secretKey: { file: "/nowhere/key" } };
  const cases = [
    [{ partner: { ...world.entry, ratePerSecond: 0 } }, /^CAM_ACCOUNTS: accounts\.partner\.ratePerSecond /],
    [{}, /^CAM_ACCOUNTS: accounts names no account\.$/],
    [
      { partner: world.entry, missing: { ...world.entry, credentials: missing } },
      /^The account missing: .*\/nowhere\/key/,
    ],
    [
      { partner: { ...world.entry, endpoint: elsewhere.url } },
      /^The account partner is bound to the main account 200000000001, and its key belongs to 300000000001\. /,
    ],
  ] as const;
  for (const [at, [accounts, problem]] of cases.entries()) {
    await world.writeAccounts(accounts);
    await expect.poll(() => linesOf(world, "accounts.unusable").length, SOON).toBe(at + 1);
    expect(linesOf(world, "accounts.unusable").at(-1)).toMatchObject({
      problems: [expect.stringMatching(problem)],
    });
    expect(await partOf(world, "accounts")).toMatchObject({
      state: "degraded",
      problem: expect.stringContaining("the old accounts stay in use"),
    });
    expect((await world.ask(read("partner"), "wang")).errors).toEqual([]);
    expect(codesOf(await world.ask(read("missing"), "wang"))).toEqual(["UNKNOWN_ACCOUNT"]);
  }
  await world.writeAccounts({ partner: world.entry });
  await vi.waitFor(async () => expect(await partOf(world, "accounts")).toMatchObject({ state: "ok" }), SOON);
  expect(linesOf(world, "accounts.in_use")).toHaveLength(1);
  expect((await world.ask(change("partner"), "wang")).errors).toEqual([]);
});

test("a gateway does not start with a key of another main account than its account's name", async () => {
  const DATABASE_URL = await createTestPostgres();
  await start({ env: { DATABASE_URL } });
  const elsewhere = await startPartner({ account: ELSEWHERE });
  await expect(start({ env: { DATABASE_URL }, partner: { endpoint: elsewhere.url } })).rejects.toMatchObject({
    name: "ConfigError",
    problems: [expect.stringMatching(/^The account partner is bound to the main account 200000000001, /)],
  });
});

test("a removed account settles its open changes before it is closed, and shows them until then", async () => {
  const DATABASE_URL = await createTestPostgres();
  const log = new ChangeStore({ database: await openTestPostgres(DATABASE_URL), replica: "crashed" });
  const sent = { opUin: ALICE, login: { phone: true, stoken: true, wechat: false } };
  const intent = intentOf({ account: "partner", opUin: uin(ALICE), sent, leaseMs: -1 });
  const { id } = await log.begin(intent, FRESH);
  const world = await start({
    env: { DATABASE_URL },
    prepare: (partner) =>
      void partner.addFault({ kind: "httpStatus", status: 500, action: "DescribeSafeAuthFlagColl" }),
  });
  const statusOf = async () => (await log.find(id))?.status;
  await expect.poll(statusOf, SOON).toBe("unknown");
  await world.writeAccounts({ missing: world.entry });
  await expect
    .poll(() => linesOf(world, "account.has_open_changes"), SOON)
    .toMatchObject([{ account: "partner", changes: 1 }]);
  expect(codesOf(await world.ask(change("partner"), "wang"))).toEqual(["UNKNOWN_ACCOUNT"]);
  expect(await partOf(world, "open_changes")).toMatchObject({ of: "partner", state: "degraded" });
  expect(linesOf(world, "account.closed")).toEqual([]);
  world.partner.putUser({ uin: ALICE, loginFlag: { Phone: 1, Stoken: 1, Wechat: 0 } });
  world.partner.clearFaults();
  await expect.poll(statusOf, SOON).toBe("applied");
  await expect.poll(() => linesOf(world, "account.closed"), SOON).toMatchObject([{ account: "partner" }]);
  expect(await partOf(world, "open_changes")).toBeUndefined();
}, 90_000);

test("two replicas record a new account once, and both serve it", async () => {
  const DATABASE_URL = await createTestPostgres();
  const one = await start({ env: { DATABASE_URL, REPLICA: "one" } });
  const two = await start({ env: { DATABASE_URL, REPLICA: "two" }, partner: one.entry });
  for (const replica of [one, two]) {
    await replica.writeAccounts({ partner: one.entry, missing: one.entry });
    await expect.poll(() => linesOf(replica, "accounts.in_use").length, SOON).toBe(2);
    expect((await replica.ask(change("missing"), "wang")).errors).toEqual([]);
  }
  expect((await eventsOf(one)).filter((event) => event.endsWith(" missing")).sort()).toEqual([
    "ACCOUNT_ADDED missing",
    "ACCOUNT_BOUND missing",
  ]);
});

test("names of accounts that do not exist leave no chain, no binding, no event and no series", async () => {
  const DATABASE_URL = await createTestPostgres();
  const world = await start({ env: { DATABASE_URL } });
  for (const query of [read("missing"), change("missing"), read("nowhere"), change("nowhere")]) {
    expect((await world.ask(query, "wang")).errors).toHaveLength(1);
  }
  await world.gateway.stop();
  const { db } = await openTestPostgres(DATABASE_URL);
  for (const table of [
    "account_register",
    "record_chain",
    "directory_scan",
    "directory_user",
    "mfa_change",
  ]) {
    const { rows } = await sql<{ stored: string }>`
      select coalesce(string_agg(t::text, ' '), '') as stored from ${sql.table(table)} t`.execute(db);
    expect(rows[0]?.stored, table).not.toMatch(/missing|nowhere/);
  }
  const { rows } = await sql`select 1 from audit_event where account in ('missing', 'nowhere')
    and kind like 'account%'`.execute(db);
  expect(rows).toEqual([]);
});
