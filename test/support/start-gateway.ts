import pg from "pg";
import supertest from "supertest";
import { beforeEach } from "vitest";
import { type Authenticator, localAuthenticator } from "../../src/auth/authenticator.ts";
import type { Clock } from "../../src/clock.ts";
import { type Config, loadConfig } from "../../src/config/config.ts";
import { describeEvent } from "../../src/emulator/emulator-event.ts";
import { type CamEmulatorOptions, type EmulatorControl, startCamEmulator } from "../../src/emulator/index.ts";
import { createGateway, type Gateway } from "../../src/gateway/create-gateway.ts";
import type { LogEvent } from "../../src/telemetry/log-event.ts";
import { LOG_EVENTS } from "../../src/telemetry/log-events.ts";
import { createLogger } from "../../src/telemetry/logger.ts";
import { keepSecretsOf, keepWritten } from "./leaks/written.ts";
import { createTestPostgres } from "./open-test-database.ts";
import { SOME_ISSUER, SOME_POLICY } from "./server-env.ts";
import { whenOver } from "./when-over.ts";

/** The emulator's key. */
export const LOCAL_KEY = {
  CAM_SERVICE_HOST: "cam.tencentcloudapi.com",
  TENCENTCLOUD_SECRET_ID: "AKIDLOCALEXAMPLE",
  TENCENTCLOUD_SECRET_KEY: "LocalExampleSecretKey",
};

export interface StartedGateway {
  readonly gateway: Gateway;
  /** The emulated CAM behind it. */
  readonly cam: EmulatorControl;
  /** What it logged so far, one JSON text a line. */
  readonly logLines: readonly string[];
  /** Sends one operation over HTTP, as a client would. */
  send(query: string, variables?: Record<string, unknown>): Promise<Reply>;
  /** For requests that are not ordinary operations. */
  readonly http: ReturnType<typeof supertest>;
  /** For requests to the admin port. */
  readonly admin: ReturnType<typeof supertest>;
}

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly data: Record<string, unknown> | null | undefined;
  /** Empty where there are none. */
  readonly errors: readonly ReplyError[];
}

export interface ReplyError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions: Readonly<Record<string, unknown>>;
}

/** Settings of gateways that many cases share: no case makes another one wait. */
export const UNLIMITED = {
  env: { CAM_RATE_PER_SECOND: "1000", CAM_CIRCUIT_FAILURES: "0", BULK_GUARD_USERS: "0" },
  emulator: { ratePerSecond: 1_000 },
};

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly emulator?: CamEmulatorOptions;
  readonly clock?: Clock;
  /** By tokens, as `env` says, or by another authenticator; without it everybody may do everything. */
  readonly callers?: "proved" | Authenticator;
  /** Something between the gateway and the emulator; given the emulator's address, it has an address of its own. */
  readonly between?: (emulatorUrl: string) => Promise<string>;
}

/**
 * Starts a real gateway and a real emulator on free ports. Stops both after the test, or after the file if started
 * outside a test.
 */
export async function startGateway(options: StartOptions = {}): Promise<StartedGateway> {
  const emulator = await startCamEmulator({
    randomSeed: 1,
    ...options.emulator,
    onEvent: (event) => keepWritten("emulators", `${describeEvent(event)}\n`),
  });
  whenOver(() => emulator.stop());
  whenOver(async () => keepWritten("journals", `${JSON.stringify(emulator.control.journal())}\n`));
  const camUrl = (await options.between?.(emulator.url)) ?? emulator.url;
  const url = options.env?.["DATABASE_URL"] ?? (await createRecordedPostgres());
  const logLines: string[] = [];
  // A scan makes calls that no test expects.
  const calm = { DIRECTORY_SCAN_INTERVAL: "off" };
  const env = { ...LOCAL_KEY, CAM_ENDPOINT: camUrl, DATABASE_URL: url, ...calm, ...options.env };
  keepSecretsOf(env);
  const write = (line: string): void => {
    logLines.push(line);
    requireListedEvent(line);
    keepWritten("logs", line);
  };
  const gateway = createGateway(configOf(env), {
    logger: createLogger({ level: "debug", destination: { write } }),
    ...(options.callers === "proved" ? {} : { authenticator: options.callers ?? localAuthenticator }),
    ...(options.clock === undefined ? {} : { clock: options.clock }),
  });
  await gateway.start();
  whenOver(() => gateway.stop());
  const http = supertest(new URL(gateway.address.url).origin);
  return {
    gateway,
    cam: emulator.control,
    logLines,
    http,
    admin: supertest(gateway.address.admin ?? ""),
    send: async (query, variables) => readReply(await http.post("/graphql").send({ query, variables })),
  };
}

/**
 * Starts a gateway that the tests of a file share, because a start takes longer than most tests. Before each test CAM has
 * its first users again, and no faults and journal. The record keeps the changes of earlier tests.
 */
export async function shareGateway(options: StartOptions = {}): Promise<StartedGateway> {
  const started = await startGateway(options);
  beforeEach(() => started.cam.reset());
  return started;
}

/** Creates a database and keeps all its text when the test or the file is over. */
async function createRecordedPostgres(): Promise<string> {
  const url = await createTestPostgres();
  whenOver(() => keepRecord(url));
  return url;
}

/** Reads the tables with rows only. The others are as many, and each read takes time to plan. */
const ALL_TEXT = `
  select table_to_xml(oid, false, true, '') as stored from pg_class
  where relnamespace = 'public'::regnamespace and relkind = 'r' and pg_relation_size(oid) > 0`;

async function keepRecord(url: string): Promise<void> {
  const client = new pg.Client(url);
  try {
    await client.connect();
    const { rows } = await client.query<{ stored: string }>(ALL_TEXT);
    keepWritten("records", rows.map(({ stored }) => `${stored}\n`).join(""));
  } catch (error) {
    // The test has cut it off.
    if ((error as { readonly code?: string }).code !== "55000") throw error;
  } finally {
    await client.end();
  }
}

export function readReply({ status, headers, text }: supertest.Response): Reply {
  const body = JSON.parse(text) as { data?: Reply["data"]; errors?: readonly ReplyError[] };
  return { status, headers, text, data: body.data, errors: body.errors ?? [] };
}

function configOf(env: Readonly<Record<string, string>>): Config {
  return loadConfig({ PORT: "0", ADMIN_PORT: "0", ...SOME_ISSUER, ...SOME_POLICY, ...env }, "server");
}

/** @throws Error if a line does not match its row in LOG_EVENTS. A library's line has its own level and message. */
function requireListedEvent(line: string): void {
  const { event, level, msg } = JSON.parse(line) as Readonly<Record<string, string>>;
  if (event === "library.message") return;
  const { [event ?? ""]: listed } = LOG_EVENTS as Readonly<Record<string, LogEvent>>;
  if (listed?.level !== level || listed?.message !== msg) throw new Error(`Not in LOG_EVENTS: ${line}`);
}

/** Starts a gateway in local mode on a free port with the emulator's users. The caller stops it. */
export async function startLocalGateway(store: Readonly<Record<string, string>>): Promise<Gateway> {
  const config = loadConfig({ PORT: "0", LOG_LEVEL: "silent", ...store }, "local");
  const gateway = createGateway(config);
  await gateway.start();
  return gateway;
}
