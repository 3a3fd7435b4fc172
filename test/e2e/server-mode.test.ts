import { setTimeout as pause } from "node:timers/promises";
import { generate } from "selfsigned";
import { Agent, request } from "undici";
import { beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { startCamEmulator } from "../../src/emulator/index.ts";
import { buildGateway, runGateway, startGatewayProcess } from "../support/gateway-process.ts";
import { createTestPostgres } from "../support/open-test-database.ts";
import { ALICE } from "../support/seed-users.ts";
import { LOCAL_KEY } from "../support/start-gateway.ts";
import { startIssuer } from "../support/start-issuer.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

// Processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let databaseUrl: string;

beforeAll(async () => {
  [databaseUrl] = await Promise.all([createTestPostgres({ empty: true }), buildGateway()]);
});

const READ = `{ subUser(opUin: "${ALICE}") { name } }`;
const CHANGE = `mutation { setSubUserMfa(opUin: "${ALICE}", login: { phone: true }) {
  change { status caller { subject client issuer } }
} }`;
const POLICY = "rules:\n  - id: night-job\n    effect: allow\n    callers: { clients: [night-job] }\n";

/** A company's setup: an OpenID provider known by its name, a certificate, PostgreSQL and a policy. */
async function startCompany() {
  const issuer = await startIssuer();
  const emulator = await startCamEmulator();
  onTestFinished(() => emulator.stop());
  const folder = await temporaryFolder();
  const altName = { type: 7 as const, ip: "127.0.0.1" };
  const { cert, private: key } = await generate([{ name: "commonName", value: "gateway" }], {
    extensions: [{ name: "subjectAltName", altNames: [altName] }],
  });
  const env = {
    ...LOCAL_KEY,
    ...issuer.discoveredEnv,
    PORT: "0",
    ADMIN_PORT: "0",
    CAM_ENDPOINT: emulator.url,
    DATABASE_URL_FILE: await folder.write("database-url", databaseUrl),
    POLICY_FILE: await folder.write("policy.yaml", POLICY),
    TLS_CERT_FILE: await folder.write("cert.pem", cert),
    TLS_KEY_FILE: await folder.write("key.pem", key),
  };
  const dispatcher = new Agent({ connect: { ca: cert } });
  onTestFinished(() => dispatcher.close());
  const ask = async (url: string, query: string, token?: string) => {
    const { headers, body } = await request(url, {
      dispatcher,
      method: "POST",
      headers: {
        "content-type": "application/json",
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify({ query }),
    });
    return { headers, ...((await body.json()) as { data?: object; errors?: readonly object[] }) };
  };
  return { issuer, emulator, env, ask };
}

test("server mode with an OpenID provider, TLS, PostgreSQL and a policy permits the right callers, and accepts a new key without a restart", async () => {
  const { issuer, emulator, env, ask } = await startCompany();
  expect(await runGateway(["--check-config"], env)).toMatchObject({ exitCode: 0, stderr: "" });
  const { url, signal, ended } = await startGatewayProcess([], env);
  expect(url).toMatch(/^https:/);

  const anonymous = await ask(url, READ);
  expect(anonymous).toMatchObject({ errors: [{ extensions: { code: "UNAUTHENTICATED" } }] });
  expect(anonymous.headers["strict-transport-security"]).toBeDefined();
  const reader = await issuer.grant("cam.mfa:read");
  expect((await ask(url, READ, reader)).data).toEqual({ subUser: { name: "alice" } });
  expect(await ask(url, CHANGE, reader)).toMatchObject({ errors: [{ extensions: { code: "FORBIDDEN" } }] });
  expect(emulator.control.user(ALICE)?.loginFlag.Phone).toBe(0);

  const writer = await issuer.grant("cam.mfa:write cam.audit:read");
  const caller = { subject: "night-job", client: "night-job", issuer: issuer.url };
  expect(await ask(url, CHANGE, writer)).toMatchObject({
    data: { setSubUserMfa: { change: { status: "APPLIED", caller } } },
  });
  expect(emulator.control.user(ALICE)?.loginFlag.Phone).toBe(1);
  const portal = await issuer.sign();
  expect(await ask(url, CHANGE, portal)).toMatchObject({ errors: [{ extensions: { code: "FORBIDDEN" } }] });

  await issuer.rotate();
  const renewed = await issuer.grant("cam.mfa:read");
  // The gateway fetches the issuer's keys at most once in ten seconds.
  await vi.waitUntil(async () => {
    const { data } = await ask(url, READ, renewed);
    if (data === undefined) await pause(500);
    return data;
  }, 30_000);
  expect(await ask(url, READ, reader)).toMatchObject({
    errors: [{ extensions: { code: "UNAUTHENTICATED" } }],
  });
  expect(issuer.served()).toBe(2);

  signal("SIGTERM");
  expect(await ended).toMatchObject({
    exitCode: 0,
    stderr: expect.stringMatching(/^\nCAM MFA gateway, server mode\n[\s\S]*\nStopped\.\n$/),
  });
});
