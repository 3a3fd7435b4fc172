import { Agent, request } from "node:http";
import { beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { startCamEmulator } from "../../src/emulator/index.ts";
import { buildGateway, startGatewayProcess } from "../support/gateway-process.ts";
import { createTestPostgres } from "../support/open-test-database.ts";
import { ALICE } from "../support/seed-users.ts";
import { SOME_POLICY } from "../support/server-env.ts";
import { startGate } from "../support/start-gate.ts";
import { LOCAL_KEY } from "../support/start-gateway.ts";
import { startIssuer } from "../support/start-issuer.ts";

const SET = `mutation { setSubUserMfa(opUin: "${ALICE}", login: { phone: true }) { resolvedBy } }`;

/** Milliseconds after which a test considers an expected event missing. */
const PATIENCE = 20_000;

// Processes start slowly on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let databaseUrl: string;

beforeAll(async () => {
  [databaseUrl] = await Promise.all([createTestPostgres(), buildGateway()]);
});

describe("a change that is under way", () => {
  test.each(["SIGINT", "SIGTERM"] as const)("finishes before %s ends the process with 0", async (name) => {
    const { signal, ended, held, post } = await startHeld();
    const reply = post(SET);
    await held.arrived;
    signal(name);
    held.release();
    expect(await reply).toEqual({ data: { setSubUserMfa: { resolvedBy: "REPLY" } } });
    expect(await ended).toMatchObject({ exitCode: 0, stderr: expect.stringMatching(/\nStopped\.\n$/) });
  });

  test("finishes although more signals come", async () => {
    const { signal, ended, held, isRefusing, post } = await startHeld();
    const reply = post(SET);
    await held.arrived;
    signal("SIGINT");
    await isRefusing();
    signal("SIGINT");
    signal("SIGTERM");
    held.release();
    expect(await reply).toEqual({ data: { setSubUserMfa: { resolvedBy: "REPLY" } } });
    expect(await ended).toMatchObject({ exitCode: 0 });
  });

  test("finishes after its client has disconnected", async () => {
    const { signal, ended, held, cam, post } = await startHeld();
    const client = new AbortController();
    const reply = post(SET, client.signal);
    await held.arrived;
    client.abort();
    await expect(reply).rejects.toThrow();
    signal("SIGTERM");
    held.release();
    const { exitCode, stdout } = await ended;
    expect(exitCode).toBe(0);
    expect(stdout).toContain("MFA change applied");
    expect(cam.user(ALICE)?.loginFlag.Phone).toBe(1);
  });

  test("finishes in local mode before the emulator stops", async () => {
    const local = { PORT: "0", PLAYGROUND: "off" };
    const { url, stderr, signal, ended } = await startGatewayProcess(["--local"], local);
    const control = /^ {2}Emulator +(\S+)/m.exec(stderr())?.[1] ?? "";
    await fetch(`${control}/faults`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ kind: "delay", action: "SetMfaFlag", delayMs: 500 }),
    });
    const reply = ask(url, SET);
    await vi.waitFor(async () => {
      const journal = await fetch(`${control}/journal?action=SetMfaFlag`);
      expect(await journal.json()).toHaveLength(1);
    }, PATIENCE);
    signal("SIGINT");
    expect(await reply).toEqual({ data: { setSubUserMfa: { resolvedBy: "REPLY" } } });
    expect(await ended).toMatchObject({ exitCode: 0, stderr: expect.stringMatching(/\nStopped\.\n$/) });
  });
});

test("an idle connection does not delay the exit", async () => {
  const { url, signal, ended } = await startGatewayProcess(["--local"], { PORT: "0", PLAYGROUND: "off" });
  const agent = new Agent({ keepAlive: true });
  onTestFinished(() => agent.destroy());
  await new Promise<void>((resolve, reject) => {
    const sent = request(new URL("/health/live", url), { agent }, (response) => {
      response.resume().once("end", resolve);
    });
    sent.once("error", reject).end();
  });
  signal("SIGTERM");
  expect(await ended).toMatchObject({ exitCode: 0 });
});

/** A gateway process whose writes wait at a closed gate. */
async function startHeld() {
  const emulator = await startCamEmulator();
  onTestFinished(() => emulator.stop());
  const gate = await startGate(emulator.url);
  const held = gate.hold("SetMfaFlag");
  const issuer = await startIssuer();
  const authorization = `Bearer ${await issuer.sign()}`;
  const env = {
    ...LOCAL_KEY,
    ...issuer.env,
    ...SOME_POLICY,
    PORT: "0",
    ADMIN_PORT: "0",
    CAM_ENDPOINT: gate.url,
    DATABASE_URL: databaseUrl,
  };
  const gateway = await startGatewayProcess([], env);
  /** Resolves when the gateway has begun to stop and refuses new connections. */
  const isRefusing = () => vi.waitFor(() => expect(fetch(gateway.url)).rejects.toThrow(), PATIENCE);
  const post = (query: string, signal?: AbortSignal) => ask(gateway.url, query, { authorization }, signal);
  return { ...gateway, held, cam: emulator.control, isRefusing, post };
}

async function ask(
  url: string,
  query: string,
  more: Readonly<Record<string, string>> = {},
  signal?: AbortSignal,
): Promise<unknown> {
  const headers = { "content-type": "application/json", ...more };
  const body = JSON.stringify({ query });
  const response = await fetch(url, { method: "POST", headers, body, ...(signal ? { signal } : {}) });
  return response.json();
}
