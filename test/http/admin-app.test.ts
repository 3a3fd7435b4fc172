import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import supertest from "supertest";
import { describe, expect, test, vi } from "vitest";
import { createAdminApp } from "../../src/http/admin-app.ts";
import { Health } from "../../src/telemetry/health.ts";
import { createLogger } from "../../src/telemetry/logger.ts";
import { Metrics } from "../../src/telemetry/metrics.ts";
import { cutDatabase } from "../support/cut-database.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { createTestPostgres } from "../support/open-test-database.ts";
import { ALICE } from "../support/seed-users.ts";
import { startGateway } from "../support/start-gateway.ts";
import { startIssuer } from "../support/start-issuer.ts";
import { whenOver } from "../support/when-over.ts";

const READ = `{ subUser(opUin: "${ALICE}") { mfa { login { phone } } } }`;

describe("a serving gateway", async () => {
  const { admin, http, send } = await startGateway();

  test("is live, started and ready, with the state of each part", async () => {
    await send(READ);
    expect((await admin.get("/health/live").expect(200)).body).toEqual({ status: "live" });
    expect((await admin.get("/health/startup").expect(200)).body).toEqual({ status: "started" });
    const { body } = await admin.get("/health/ready").expect(200);
    expect(body.status).toBe("ready");
    const ok = { state: "ok", since: expect.stringMatching(/^\d{4}-.*Z$/) };
    expect(body.parts).toEqual(
      expect.arrayContaining([
        { part: "database", ...ok },
        { part: "schema", ...ok },
        ...["credentials", "clock", "circuit", "quota"].map((part) => ({ part, of: "default", ...ok })),
      ]),
    );
  });

  test("shows no parts on the main port", async () => {
    expect((await http.get("/health/ready").expect(200)).body).toEqual({ status: "ready" });
  });

  test("shows its version, its schema and its uptime", async () => {
    const { version } = JSON.parse(readFileSync("package.json", "utf8"));
    const schemaHash = createHash("sha256").update(readFileSync("schema/subgraph.graphql")).digest("hex");
    expect((await admin.get("/version").expect(200)).body).toEqual({
      ...{ version, schemaHash },
      commit: expect.stringMatching(/^([0-9a-f]{40}|unknown)$/),
      uptimeSeconds: expect.any(Number),
    });
  });

  test("serves GraphQL on the main port alone, and the version on the admin port alone", async () => {
    await admin.post("/graphql").send({ query: "{ __typename }" }).expect(404);
    await http.get("/version").expect(404);
  });

  test("answers only to loopback names, so that no page can read it under a name of its own", async () => {
    const { body } = await admin.get("/version").set("host", "gateway.example").expect(421);
    expect(body.errors[0].extensions.code).toBe("MISDIRECTED_REQUEST");
  });
});

test("a starting gateway is live and neither started nor ready", async () => {
  const health = new Health(new FakeClock());
  const version = () => ({ version: "1", commit: "unknown", schemaHash: "", uptimeSeconds: 0 });
  const metrics = await new Metrics().enablePrometheus();
  const logger = createLogger({ level: "silent" });
  const app = createAdminApp({ health, metrics, logger, version, hostnames: undefined });
  whenOver(() => app.close());
  await app.listen({ host: "127.0.0.1", port: 0 });
  const http = supertest(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}`);
  await http.get("/health/live").expect(200);
  expect((await http.get("/health/startup").expect(503)).body).toEqual({ status: "starting" });
  expect((await http.get("/health/ready").expect(503)).body).toEqual({ status: "starting", parts: [] });
});

test("a gateway without a database stays in rotation, degraded, and recovers", async () => {
  const DATABASE_URL = await createTestPostgres();
  const { admin, http, send } = await startGateway({ env: { DATABASE_URL } });
  const restore = await cutDatabase(DATABASE_URL);
  await send(READ);
  const { body } = await admin.get("/health/ready").expect(200);
  expect(body.status).toBe("degraded");
  expect(body.parts).toContainEqual({
    ...{ part: "database", state: "degraded", since: expect.any(String) },
    problem: expect.stringMatching(/^The database cannot be written: /),
  });
  expect((await http.get("/health/ready").expect(200)).body).toEqual({ status: "degraded" });
  await restore();
  await vi.waitFor(async () => expect((await admin.get("/health/ready")).body.status).toBe("ready"), 20_000);
});

test("a key that CAM refuses degrades the account", async () => {
  const { admin } = await startGateway({ env: { TENCENTCLOUD_SECRET_KEY: "not-the-key" } });
  await vi.waitFor(async () => {
    const { body } = await admin.get("/health/ready").expect(200);
    expect(body.parts).toContainEqual(
      expect.objectContaining({
        ...{ part: "credentials", of: "default", state: "degraded" },
        problem: "CAM refuses the key: AuthFailure.SignatureFailure.",
      }),
    );
  }, 20_000);
});

test("keys of an issuer that cannot be loaded degrade the gateway until they can", async () => {
  const issuer = await startIssuer();
  issuer.answer(500);
  const { admin, http } = await startGateway({ callers: "proved", env: issuer.env });
  const token = await issuer.sign();
  await http
    .post("/graphql")
    .set("authorization", `Bearer ${token}`)
    .send({ query: "{ __typename }" })
    .expect(200);
  const { body } = await admin.get("/health/ready").expect(200);
  expect(body.parts).toContainEqual(
    expect.objectContaining({ part: "issuer_keys", of: issuer.url, state: "degraded" }),
  );
});

test("a gateway whose admin port is in use fails to start", async () => {
  const { gateway } = await startGateway();
  const { port } = new URL(gateway.address.admin ?? "");
  await expect(startGateway({ env: { ADMIN_PORT: port } })).rejects.toMatchObject({
    ...{ code: "EADDRINUSE", port: Number(port) },
  });
});

test("a gateway without a database that takes writes fails to start", async () => {
  const url = new URL(await createTestPostgres());
  url.searchParams.set("options", "-c default_transaction_read_only=on");
  await expect(startGateway({ env: { DATABASE_URL: url.href } })).rejects.toThrow(
    /^The database cannot be written: it is read-only/,
  );
});
