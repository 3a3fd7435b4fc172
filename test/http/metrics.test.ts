import { Pool } from "undici";
import { describe, expect, test } from "vitest";
import { LOCAL_CALLER } from "../../src/auth/caller.ts";
import { METRICS, prometheusName } from "../../src/telemetry/metric-table.ts";
import { ALICE, BOB, FRANK } from "../support/seed-users.ts";
import { startGateway, UNLIMITED } from "../support/start-gateway.ts";
import { whenOver } from "../support/when-over.ts";
import { startAccountsWorld } from "./accounts/accounts-world.ts";
import { planned, planOf } from "./rollouts/plan-rollout.ts";

const CHANGE = `mutation { setSubUserMfa(opUin: "${ALICE}", login: { phone: true }) { resolvedBy } }`;

/** Returns the series of a scrape: the name with its labels, and the value. */
function seriesOf(text: string): ReadonlyMap<string, number> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.split(" ").at(-1))]));
}

describe("a gateway with one account", async () => {
  const { admin, http, send, logLines } = await startGateway(UNLIMITED);
  const scrape = async () => seriesOf((await admin.get("/metrics").expect(200)).text);
  const countOf = async (series: string) => (await scrape()).get(series) ?? 0;

  test("shows every metric of the table, in Prometheus's text format", async () => {
    const { text, headers } = await admin.get("/metrics").expect(200);
    expect(headers["content-type"]).toBe("text/plain; version=0.0.4; charset=utf-8");
    const names = [...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name);
    expect(names).toEqual((Object.keys(METRICS) as (keyof typeof METRICS)[]).map(prometheusName));
  });

  test("counts a change, its calls to CAM and its slots", async () => {
    const before = await scrape();
    await send(CHANGE);
    const series = await scrape();
    for (const name of [
      'graphql_operations_total{graphql_operation_type="mutation",category="OK"}',
      'mfa_changes_total{status="applied",code="OK",category="OK"}',
      'cam_calls_total{action="SetMfaFlag",outcome="ok"}',
      'cam_quota_slots_total{account="default",action="SetMfaFlag"}',
      'graphql_operation_own_duration_seconds_count{graphql_operation_type="mutation"}',
    ]) {
      expect(series.get(name), name).toBe((before.get(name) ?? 0) + 1);
    }
    expect(series.get('cam_quota_limit{account="default"}')).toBe(1_000);
  });

  test.each<[error: string, query: string, type: string, category: string]>([
    ["thrown", `mutation { setSubUserMfa(opUin: "${ALICE}") { resolvedBy } }`, "mutation", "INPUT"],
    [
      "answered as data",
      `mutation { trySetSubUserMfa(opUin: "${ALICE}") { __typename } }`,
      "mutation",
      "INPUT",
    ],
    ["of the syntax", "{", "none", "INPUT"],
    ["of the validation", "{ nothing }", "none", "INPUT"],
  ])("counts an error %s by its category", async (_error, query, type, category) => {
    const name = `graphql_operations_total{graphql_operation_type="${type}",category="${category}"}`;
    const before = await countOf(name);
    await send(query);
    expect(await countOf(name)).toBe(before + 1);
  });

  test.each<[error: string, type: string, body: string, status: number]>([
    ["of the body", "application/json", "{", 400],
    ["of the media type", "application/xml", "<a/>", 415],
  ])("counts an HTTP error %s as one of the caller's input", async (_error, type, body, status) => {
    const name = 'graphql_operations_total{graphql_operation_type="none",category="INPUT"}';
    const before = await countOf(name);
    await http.post("/graphql").set("content-type", type).send(body).expect(status);
    expect(await countOf(name)).toBe(before + 1);
  });

  test("shows open rollouts by status, their users by state, and counts their steps", async () => {
    const { id, planHash } = await planned(
      send,
      planOf({
        ...{ selection: { opUins: [BOB, FRANK] }, desired: { login: { stoken: true } } },
        waves: [{ users: 1, waitForRelease: true }],
      }),
    );
    const names = ['rollouts{status="planned"}', 'rollouts{status="running"}'];
    const items = ['rollout_items{state="applied"}', 'rollout_items{state="will_change"}'];
    const figuresOf = async (series: readonly string[]) => {
      const scraped = await scrape();
      return series.map((name) => scraped.get(name) ?? 0);
    };
    await expect.poll(() => figuresOf(names), { timeout: 30_000 }).toEqual([1, 0]);
    await send(
      "mutation ($id: ID!, $planHash: String!) { startMfaRollout(id: $id, planHash: $planHash) { id } }",
      {
        ...{ id, planHash },
      },
    );
    await expect.poll(() => figuresOf([...names, ...items]), { timeout: 30_000 }).toEqual([0, 1, 1, 1]);
    await send("mutation ($id: ID!) { cancelMfaRollout(id: $id) { id } }", { id });
    await expect.poll(() => figuresOf([...names, ...items]), { timeout: 30_000 }).toEqual([0, 0, 0, 0]);
    const steps = ["started", "cancelled"].map((step) => `rollout_steps_total{step="${step}"}`);
    expect(await figuresOf(steps)).toEqual([1, 1]);
  });

  test("answers ten scrapers at once", async () => {
    const scrapes = await Promise.all(Array.from({ length: 10 }, () => admin.get("/metrics")));
    expect(scrapes.map(({ status }) => status)).toEqual(Array(10).fill(200));
  });

  test("changes the level of the log at run time, and logs the change", async () => {
    await admin.put("/log-level").send({ level: "error" }).expect(200);
    const lines = logLines.length;
    expect(JSON.parse(logLines.at(-1) ?? "")).toMatchObject({
      event: "log.level_changed",
      to: "error",
    });
    await send(CHANGE);
    expect(logLines.length).toBe(lines);
    await admin.put("/log-level").send({ level: "debug" }).expect(200);
    await send(CHANGE);
    expect(logLines.slice(lines).join("")).toContain('"event":"change.applied"');
  });

  test.each(["silent", "fatal", "loud", 3, undefined])("refuses the level %s", async (level) => {
    const { body } = await admin.put("/log-level").send({ level }).expect(400);
    expect(body.errors[0].message).toMatch(/^Send \{"level": "info"\}/);
  });
});

describe("the number of series", async () => {
  const { admin, cam, gateway, send } = await startGateway({
    ...UNLIMITED,
    env: { ...UNLIMITED.env, CALLER_RATE_PER_SECOND: "0" },
    callers: {
      authenticate: async ({ rawHeaders }) => {
        const subject = rawHeaders[rawHeaders.indexOf("x-caller") + 1] ?? "";
        return { caller: { ...LOCAL_CALLER, subject } };
      },
    },
  });
  const pool = new Pool(new URL(gateway.address.url).origin, { connections: 20 });
  whenOver(() => pool.close());

  // Twice as many values as series may exist: a label with one of them would fail the test.
  test("stays under 500 after 1,000 operation names, Uins and callers", async () => {
    const refused = 'mfa_changes_total{status="refused",code="NOTHING_TO_CHANGE",category="INPUT"}';
    const before = seriesOf((await admin.get("/metrics")).text).get(refused) ?? 0;
    for (let from = 0; from < 1_000; from += 500) {
      await Promise.all(
        Array.from({ length: 500 }, async (_, at) => {
          const number = 100_000_000_000 + from + at;
          const query = `mutation Change${number} { setSubUserMfa(opUin: "${number}") { resolvedBy } }`;
          const { statusCode, body } = await pool.request({
            ...{ method: "POST", path: "/graphql", body: JSON.stringify({ query }) },
            headers: { "content-type": "application/json", "x-caller": `caller-${number}` },
          });
          expect(statusCode).toBe(200);
          await body.dump();
        }),
      );
    }
    const series = seriesOf((await admin.get("/metrics")).text);
    expect(series.get(refused)).toBe(before + 1_000);
    expect(series.size).toBeLessThan(500);
  });

  test("stays under 500 after 300 codes of CAM", async () => {
    cam.clearFaults();
    const refused = 'cam_calls_total{action="DescribeSafeAuthFlagColl",outcome="refused"}';
    const before = seriesOf((await admin.get("/metrics")).text).get(refused) ?? 0;
    for (let number = 0; number < 300; number++) {
      const code = `InvalidParameter.Code${number}`;
      cam.addFault({ kind: "camError", action: "DescribeSafeAuthFlagColl", code, times: 1 });
      const { errors } = await send(CHANGE);
      expect(errors[0]?.extensions["cam"]).toMatchObject({ code });
    }
    const series = seriesOf((await admin.get("/metrics")).text);
    expect(series.get(refused)).toBe(before + 300);
    expect(series.size).toBeLessThan(500);
  });

  test("grows by at most 30 for a further account, whatever its calls meet", async () => {
    const world = await startAccountsWorld({ everybody: true, env: UNLIMITED.env });
    const change = CHANGE.replace("(", '(account: "partner", ');
    const actions = ["DescribeSafeAuthFlagColl", "SetMfaFlag"] as const;
    const codes = [
      "RequestLimitExceeded",
      "AuthFailure.SecretIdNotFound",
      "InternalError",
      "InvalidParameter",
    ];
    await world.send(change);
    await world.send(`{ subUser(account: "partner", opUin: "${ALICE}") { name } }`);
    for (const action of actions) {
      for (const code of codes) {
        const { id } = world.partner.addFault({ kind: "camError", action, code, times: 1 });
        await world.send(change);
        world.partner.clearFaults(id);
      }
    }
    const names = [...seriesOf((await world.admin.get("/metrics")).text).keys()];
    const ofPartner = names.filter((name) => name.includes('"partner"'));
    expect(ofPartner.length).toBeGreaterThan(15);
    expect(ofPartner.length).toBeLessThanOrEqual(30);
  });
});
