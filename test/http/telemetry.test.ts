import pg from "pg";
import { expect, onTestFinished, test, vi } from "vitest";
import { createTestPostgres } from "../support/open-test-database.ts";
import { ALICE } from "../support/seed-users.ts";
import { type Collector, startCollector } from "../support/start-collector.ts";
import { startGateway } from "../support/start-gateway.ts";

const CHANGE = `mutation Secretive { setSubUserMfa(opUin: "${ALICE}", login: { phone: true }) { requestId } }`;
const ID = "one-id-for-everything";
const TRACE = "0af7651916cd43dd8448eb211c80319c";

/** The SDK reads the environment of the process. */
function setVariables(variables: Readonly<Record<string, string>>): void {
  Object.assign(process.env, variables);
  onTestFinished(() => {
    for (const name of Object.keys(variables)) delete process.env[name];
  });
}

async function startTraced(collector: Collector, more: Readonly<Record<string, string>> = {}) {
  const variables = {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    OTEL_BSP_SCHEDULE_DELAY: "50",
    ...more,
  };
  setVariables(variables);
  const DATABASE_URL = await createTestPostgres();
  return { ...(await startGateway({ env: { DATABASE_URL, ...variables } })), DATABASE_URL };
}

test("one id finds the trace, the metric, the log line and the record of a change", async () => {
  const collector = await startCollector();
  const { http, admin, logLines, DATABASE_URL } = await startTraced(collector);
  await http
    .post("/graphql")
    .set("x-request-id", ID)
    .set("traceparent", `00-${TRACE}-b7ad6b7169203331-01`)
    .send({ query: CHANGE })
    .expect(200)
    .expect("x-request-id", ID);

  const inTrace = () => collector.spans.filter(({ traceId }) => traceId === TRACE);
  await vi.waitFor(() => expect(inTrace().map(({ name }) => name)).toContain("POST /graphql"), 20_000);
  const server = inTrace().find(({ name }) => name === "POST /graphql");
  expect(server).toMatchObject({
    parentSpanId: "b7ad6b7169203331",
    attributes: {
      "http.request.method": "POST",
      "http.response.status_code": 200,
      "http.route": "/graphql",
      "gateway.request_id": ID,
      "gateway.category": "OK",
    },
  });
  const graphql = inTrace().find(({ name }) => name === "mutation");
  expect(graphql?.parentSpanId).toBe(server?.spanId);
  // The caller chooses the name, and no manifest trusts the document.
  expect(graphql?.attributes).not.toHaveProperty("graphql.operation.name");
  const write = inTrace().find(({ name }) => name === "CAM SetMfaFlag");
  expect(write).toMatchObject({
    parentSpanId: graphql?.spanId,
    attributes: {
      "cam.outcome": "ok",
      "cam.attempt": 1,
      "cam.request_id": expect.stringMatching(/^[\w-]{30,}$/),
    },
  });
  expect(inTrace().map(({ name }) => name)).toEqual(
    expect.arrayContaining(["CAM DescribeSafeAuthFlagColl", "select begin_change", "select take_slot"]),
  );

  const lines = logLines.map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  const applied = lines.find(({ event, requestId }) => event === "change.applied" && requestId === ID);
  expect(applied).toMatchObject({ trace_id: TRACE, span_id: graphql?.spanId });
  const called = lines.find(({ action, requestId }) => action === "SetMfaFlag" && requestId === ID);
  expect(called?.["camRequestId"]).toBe(write?.attributes["cam.request_id"]);

  const { text } = await admin.get("/metrics").expect(200);
  expect(text).toContain('mfa_changes_total{status="applied",code="OK",category="OK"} 1');

  const client = new pg.Client(DATABASE_URL);
  await client.connect();
  const { rows } = await client.query(
    "select op_uin::text as uin, status from mfa_change where gateway_request_id = $1",
    [ID],
  );
  await client.end();
  expect(rows).toEqual([{ uin: ALICE, status: "applied" }]);
});

test("OpenTelemetry exports the metrics under their own names", async () => {
  const collector = await startCollector();
  const { send } = await startTraced(collector, {
    OTEL_METRIC_EXPORT_INTERVAL: "200",
    OTEL_METRIC_EXPORT_TIMEOUT: "200",
  });
  await send(CHANGE);
  await vi.waitFor(() => {
    expect([...collector.metrics]).toEqual(
      expect.arrayContaining([
        "mfa.changes",
        "http.server.request.duration",
        "cam.quota.queue",
        "gateway.ready",
      ]),
    );
  }, 20_000);
});

test("a trace that the caller does not sample has no spans", async () => {
  const collector = await startCollector();
  const { http, send } = await startTraced(collector);
  const unsampled = { traceparent: `00-${TRACE}-b7ad6b7169203331-00` };
  await http.post("/graphql").set(unsampled).send({ query: CHANGE }).expect(200);
  await send("{ __typename }");
  await vi.waitFor(() => expect(collector.spans.map(({ name }) => name)).toContain("query"), 20_000);
  expect(collector.spans.filter(({ traceId }) => traceId === TRACE)).toEqual([]);
});

test("nothing waits for a collector that never answers, and the queue stays bounded", async () => {
  const collector = await startCollector({ hangs: true });
  const { gateway, send } = await startTraced(collector, {
    OTEL_BSP_MAX_QUEUE_SIZE: "20",
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "10",
  });
  for (let sent = 0; sent < 100; sent++) expect((await send("{ __typename }")).errors).toEqual([]);
  await vi.waitFor(() => expect(collector.exports()).toBeGreaterThan(0), 20_000);
  // A hundred traces are ten batches; the SDK drops what the queue of two batches cannot take.
  expect(collector.exports()).toBeLessThanOrEqual(3);
  await gateway.stop();
});

test.each<[what: string, variables: Readonly<Record<string, string>>]>([
  ["an unknown variable", { OTEL_NO_SUCH_VARIABLE: "x" }],
  ["an unknown exporter", { OTEL_TRACES_EXPORTER: "pigeon" }],
  ["an unknown sampler", { OTEL_TRACES_SAMPLER: "loaded_dice" }],
  ["an unknown protocol", { OTEL_EXPORTER_OTLP_PROTOCOL: "smoke" }],
  ["an endpoint that is no URL", { OTEL_EXPORTER_OTLP_ENDPOINT: "not a URL" }],
])("the gateway starts with %s", async (_what, variables) => {
  const collector = await startCollector();
  const { send } = await startTraced(collector, variables);
  expect((await send("{ __typename }")).data).toEqual({ __typename: "Query" });
});
