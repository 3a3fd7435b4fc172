import { onTestFinished } from "vitest";
import { ApprovalStore } from "../../src/audit/approval-store.ts";
import { type BulkGuard, CallerPauses } from "../../src/audit/caller-pauses.ts";
import { ChangeStore } from "../../src/audit/change-store.ts";
import { RolloutChangeStore } from "../../src/audit/rollout-change-store.ts";
import { Accounts, DEFAULT_ACCOUNT } from "../../src/auth/accounts.ts";
import {
  CamClient,
  CredentialCache,
  createDispatcher,
  createProviderChain,
  createStaticProvider,
  HttpTransport,
  type Quota,
  Tc3Signer,
  unlimitedQuota,
} from "../../src/cam/index.ts";
import { PausedCallers } from "../../src/changes/change-access.ts";
import { ChangeService, type ChangeServiceDeps } from "../../src/changes/change-service.ts";
import { RecentWrites } from "../../src/changes/changes-of-user.ts";
import type { MfaChangeContext, MfaChangeReport, MfaChangeRequest } from "../../src/changes/mfa-change.ts";
import { MfaFlagClient } from "../../src/changes/mfa-flag-client.ts";
import { ClockSkew, systemClock } from "../../src/clock.ts";
import { parseUin, type Uin } from "../../src/contract/index.ts";
import type { Database } from "../../src/database/database.ts";
import { type EmulatorControl, startCamEmulator } from "../../src/emulator/index.ts";
import { Secret } from "../../src/secret.ts";
import { openTestDatabase } from "./open-test-database.ts";
import { TEST_MACS } from "./signing-key.ts";
import { type Gate, startGate } from "./start-gate.ts";

export interface StartedChangeService {
  readonly changes: ChangeService;
  readonly recentWrites: RecentWrites;
  readonly client: CamClient;
  readonly log: ChangeStore;
  readonly cam: EmulatorControl;
  readonly gate: Gate;
  readonly reports: readonly MfaChangeReport[];
  /** Whose pause was reported. */
  readonly paused: readonly string[];
}

interface StartOptions {
  readonly timeoutMs?: number;
  readonly database?: Database;
  readonly quota?: Quota;
  /** Optional: by default each caller may do everything without approval. */
  readonly access?: ChangeServiceDeps["access"];
  /** Optional: by default no caller is paused. */
  readonly guard?: BulkGuard;
}

const ALLOWING: ChangeServiceDeps["access"] = {
  authorise: async () => ({ approval: undefined }),
  requireNotGatewayIdentity: async () => undefined,
};

/** Starts the change service with real parts: client, signature, and an emulator behind a gate. */
export async function startChangeService(options: StartOptions = {}): Promise<StartedChangeService> {
  const clock = systemClock;
  const emulator = await startCamEmulator({ randomSeed: 1 });
  onTestFinished(() => emulator.stop());
  const gate = await startGate(emulator.url);
  const transport = new HttpTransport({ dispatcher: createDispatcher(), clock });
  onTestFinished(() => transport.close());
  const key = { secretId: "AKIDLOCALEXAMPLE", secretKey: new Secret("LocalExampleSecretKey") };
  const cam = new CamClient({
    config: {
      endpoint: { origin: gate.url, serviceHost: "cam.tencentcloudapi.com" },
      language: "en-US",
      timeoutMs: options.timeoutMs ?? 5_000,
    },
    credentials: new CredentialCache({ chain: createProviderChain([createStaticProvider(key)]), clock }),
    signer: new Tc3Signer(),
    transport,
    quota: options.quota ?? unlimitedQuota,
    skew: new ClockSkew(clock),
    clock,
  });
  const reports: MfaChangeReport[] = [];
  const database = options.database ?? (await openTestDatabase("postgres"));
  const guard = options.guard === undefined ? {} : { guard: options.guard };
  const log = new ChangeStore({ database, ...guard, replica: "test", requestMacs: TEST_MACS });
  const account = {
    name: DEFAULT_ACCOUNT,
    mfaFlags: new MfaFlagClient({ cam, clock }),
    gatewayIdentity: { has: async () => false, knows: () => false },
    cam,
  };
  const paused: string[] = [];
  const recentWrites = new RecentWrites(clock);
  const pausedCallers = new PausedCallers({
    pauses: new CallerPauses(database),
    observer: {
      onCallerPaused: ({ subject }) => paused.push(subject),
      onCallerResumed: () => undefined,
    },
  });
  const changes = new ChangeService({
    ...{ changeStore: log, clock, recentWrites, pausedCallers },
    access: options.access ?? ALLOWING,
    accounts: new Accounts([account], () => true),
    approvalStore: new ApprovalStore({ database, ...guard, replica: "test", requestMacs: TEST_MACS }),
    rolloutChangeStore: new RolloutChangeStore({ database, replica: "test" }),
    observer: {
      onChange: (report) => reports.push(report),
      onRejected: () => undefined,
      onUnsettled: () => undefined,
    },
  });
  onTestFinished(() => changes.idle());
  return { changes, recentWrites, client: cam, log, cam: emulator.control, gate, reports, paused };
}

export function changeOf(opUin: string, methods: Omit<Partial<MfaChangeRequest>, "opUin">): MfaChangeRequest {
  return { opUin: uin(opUin), overwriteOtherMethods: false, ...methods };
}

/** Returns the context of an operation with a deadline in milliseconds from now. */
export function within(ms: number, requestId = "test"): MfaChangeContext {
  return {
    caller: { subject: "test", scopes: new Set() },
    requestId,
    deadlineMs: systemClock.monotonic() + ms,
  };
}

export function uin(text: string): Uin {
  const parsed = parseUin(text);
  if (parsed === undefined) throw new Error(`${text} is not a Uin.`);
  return parsed;
}
