import { randomUUID } from "node:crypto";
import { sql } from "kysely";
import { CallerPauses } from "../../src/audit/caller-pauses.ts";
import { ChangeStore } from "../../src/audit/change-store.ts";
import { DueChanges } from "../../src/audit/due-changes.ts";
import { RolloutChangeStore } from "../../src/audit/rollout-change-store.ts";
import { Accounts } from "../../src/auth/accounts.ts";
import { type Caller, SCOPES } from "../../src/auth/caller.ts";
import { type CamAction, CamError, type SafeAuthFlags, type SetMfaFlagInput } from "../../src/cam/index.ts";
import type { ChangeAccount } from "../../src/changes/change-access.ts";
import { PausedCallers } from "../../src/changes/change-access.ts";
import { ChangeService, type ChangeServiceDeps } from "../../src/changes/change-service.ts";
import { RecentWrites } from "../../src/changes/changes-of-user.ts";
import { MfaFlagClient } from "../../src/changes/mfa-flag-client.ts";
import { Reconciler } from "../../src/changes/reconciler.ts";
import { type Clock, systemClock } from "../../src/clock.ts";
import type { Uin } from "../../src/contract/index.ts";
import type { Database } from "../../src/database/database.ts";
import { OrderStore } from "../../src/rollouts/order-store.ts";
import { PlanHash, termsOf } from "../../src/rollouts/plan-hash.ts";
import { PlanStore } from "../../src/rollouts/plan-store.ts";
import { ReadBackStore } from "../../src/rollouts/read-back-store.ts";
import type { PlannedItem, Rollout, RolloutInput } from "../../src/rollouts/rollout.ts";
import { type OrderKind, RolloutOrders, type RolloutOrdersDeps } from "../../src/rollouts/rollout-orders.ts";
import { RolloutRunner } from "../../src/rollouts/rollout-runner.ts";
import { RolloutService } from "../../src/rollouts/rollout-service.ts";
import { RolloutStore } from "../../src/rollouts/rollout-store.ts";
import { RunStore } from "../../src/rollouts/run-store.ts";
import { TEST_MACS } from "../support/signing-key.ts";
import { newRollout } from "./new-rollout.ts";

export const ANN: Caller = { subject: "ann", issuer: "test", scopes: new Set(SCOPES) };
export const BEN: Caller = { subject: "ben", issuer: "test", scopes: new Set(SCOPES) };

const OFF = { phone: false, stoken: false, wechat: false };
const NONE = { ...OFF, token: false, custom: false, mail: false, u2fToken: false, passkey: false };
const UNPROTECTED: SafeAuthFlags = { login: NONE, action: NONE };

/** A CAM of one account in memory. A test decides how each call ends. */
export class MemoryCam {
  readonly users = new Map<string, SafeAuthFlags>();
  /** The flag sets of every write that took effect, by user. */
  readonly writes = new Map<string, SetMfaFlagInput[]>();
  /** Called before each call. Throws its error, or returns "lose" to apply a write and lose its reply. */
  before: (action: string, opUin: string) => Promise<"lose" | undefined> = async () => undefined;

  readonly call: ChangeAccount["cam"]["call"] = async <Input, Output>(
    { name }: CamAction<Input, Output>,
    input: Input,
  ) => {
    const { subUin, opUin = subUin } = input as unknown as { readonly subUin: Uin; readonly opUin?: Uin };
    const end = await this.before(name, opUin);
    const result = (output: unknown) => ({ output: output as Output, camRequestId: randomUUID() });
    if (name === "DescribeSafeAuthFlagColl") return result(this.users.get(opUin) ?? UNPROTECTED);
    const { login, action } = input as unknown as SetMfaFlagInput;
    const now = this.users.get(opUin) ?? UNPROTECTED;
    this.users.set(opUin, { login: { ...now.login, ...login }, action: { ...now.action, ...action } });
    this.writes.set(opUin, [...(this.writes.get(opUin) ?? []), input as unknown as SetMfaFlagInput]);
    if (end === "lose") throw new CamError({ kind: "CONNECTION_LOST", action: name, attempts: 1 });
    return result(undefined);
  };
}

interface WorldOptions {
  readonly accounts?: number;
  /** Calls CAM instead of the accounts in memory. */
  readonly call?: ChangeAccount["cam"]["call"];
  readonly access?: ChangeServiceDeps["access"];
  readonly guardUsers?: number;
  readonly timeLimitMs?: number;
  /** Default: users are read back at once. */
  readonly staleReadMs?: number;
  /** The policy at the start and the approval. `access` judges the items. */
  readonly policy?: RolloutOrdersDeps["policy"];
}

interface PlanInput extends Partial<RolloutInput> {
  readonly budget?: number;
  /** The shortest time of the rules that ask for an approval. */
  readonly approvalMinutes?: number;
}

/** The parts that run rollouts, on a real database and accounts in memory. Each call of `replica` is a process. */
export async function openRunWorld(database: Database, options: WorldOptions = {}) {
  const { accounts: many = 1, guardUsers = 0, timeLimitMs = 2_000, staleReadMs = 0 } = options;
  const suffix = randomUUID().slice(0, 6);
  const names = Array.from({ length: many }, (_, index) => `a${index}-${suffix}`);
  const cams = new Map(names.map((name) => [name, new MemoryCam()]));
  const rolloutStore = new RolloutStore(database);
  const orderStore = new OrderStore(database, TEST_MACS);
  const plans = new PlanStore(database, "test");
  const reports: string[] = [];
  for (const name of names)
    await sql`insert into noted_account (account) values (${name})`.execute(database.db);

  const accountOf = (name: string, parts: { changeStore: ChangeStore; due: DueChanges; clock: Clock }) => {
    const cam = { call: options.call ?? (cams.get(name) as MemoryCam).call };
    const mfaFlags = new MfaFlagClient({ cam, clock: parts.clock });
    const gatewayIdentity = { has: async () => false, knows: () => false };
    const reconciler = new Reconciler({ ...parts, account: { name, mfaFlags }, timeLimitMs: 5_000 });
    return { name, cam, mfaFlags, gatewayIdentity, reconciler, ratePerSecond: 20 };
  };

  function replica(clock: Clock = systemClock) {
    const owner = randomUUID();
    const log = new ChangeStore({ database, replica: owner });
    const due = new DueChanges(database, clock);
    const accounts = new Accounts(
      names.map((name) => accountOf(name, { changeStore: log, due, clock })),
      () => true,
    );
    const rolloutChangeStore = new RolloutChangeStore({ database, replica: owner });
    const pauses = new CallerPauses(database);
    const unused = () => Promise.reject(new Error("Not asked for."));
    const changes = new ChangeService({
      ...{ changeStore: log, clock, recentWrites: new RecentWrites(clock) },
      pausedCallers: new PausedCallers({ pauses }),
      access: options.access ?? {
        authorise: async () => ({ approval: undefined }),
        requireNotGatewayIdentity: async () => undefined,
      },
      accounts,
      approvalStore: { approve: unused, reject: unused },
      rolloutChangeStore,
    });
    const runStore = new RunStore(database, owner);
    const jobs: Promise<void>[] = [];
    const runner: RolloutRunner = new RolloutRunner({
      ...{
        database,
        requestMacs: TEST_MACS,
        runStore,
        rolloutStore,
        readBackStore: new ReadBackStore(database, owner),
        accounts,
        changes,
        rolloutChangeStore,
      },
      ...{ clock, timeLimitMs, staleReadMs },
      send: async (_, key) => {
        jobs.push((runner.jobs[0] as { run(key: string): Promise<void> }).run(key));
      },
      observer: {
        onAdvanced: ({ after, beganWave }) => reports.push(beganWave ? `wave ${beganWave}` : after),
        onCallerPaused: () => reports.push("caller paused"),
        onForged: () => reports.push("forged"),
        onSealed: () => reports.push("sealed"),
        onCounted: () => undefined,
        onAccountsLost: () => reports.push("account lost"),
        onLanePaused: (_, code) => reports.push(`lane ${code}`),
        onLaneError: (_, error) => reports.push(`lane error ${error}`),
        onError: (error) => reports.push(`error ${error}`),
      },
    });
    const orders = new RolloutOrders({
      ...{ database, rolloutStore, orderStore, runStore, runner, pauses, guardUsers },
      policy: options.policy,
      observer: {
        onOrder: (kind: OrderKind) => reports.push(kind),
        onPlanAltered: () => reports.push("plan altered"),
      },
    });
    const service = new RolloutService({
      ...{ rolloutStore, accounts, pauses },
      planner: { plan: unused },
    });
    return {
      ...{ runStore, runner, service, orders, changes, log, rolloutChangeStore, accounts },
      /** Resolves when all lanes that were woken have ended. */
      async idle() {
        while (jobs.length > 0) await Promise.all(jobs.splice(0));
      },
      async reconcile() {
        for (const { reconciler } of accounts.all) await reconciler.settleDue();
      },
    };
  }

  /** Plans a rollout of users of every account, to switch the login protection by phone on. */
  async function plan(users: number, input: PlanInput = {}) {
    const { budget = 0, approvalMinutes, ...rest } = input;
    const created = await rolloutStore.create(
      newRollout({ accounts: names, caller: ANN, input: { ...newRollout().input, ...rest } }),
    );
    const waves = rest.waves ?? [];
    const ends = waves.map((_, wave) => waves.slice(0, wave + 1).reduce((sum, each) => sum + each.users, 0));
    const lease = await plans.lease(created.id);
    if (lease === undefined) throw new Error("Another process plans the rollout.");
    const hash = new PlanHash();
    const items = Array.from({ length: users }, (_, index): PlannedItem => {
      const wave = ends.findIndex((end) => index < end);
      return {
        item: index + 1,
        account: names[index % names.length],
        opUin: String(100_000_000 + index) as Uin,
        name: `user-${index}`,
        before: { ...UNPROTECTED, asOf: new Date().toISOString() },
        sent: { login: { ...OFF, phone: true } },
        state: "will_change",
        wave: (wave < 0 ? waves.length : wave) + 1,
      };
    });
    for (const item of items) hash.add(item);
    for (let at = 0; at < items.length; at += 1_000) await plans.addItems(lease, items.slice(at, at + 1_000));
    const policyHash = options.policy?.sha256;
    await plans.finish(lease, {
      ...{ policyHash, maxFailures: budget, approvalMinutes },
      planHash: hash.end(termsOf({ ...lease, policyHash, maxFailures: budget })),
      price: { camCalls: 0, seconds: 0, secondsByAccount: [], budgetSeconds: 0 },
    });
    return found(created.id);
  }

  async function found(id: string) {
    const rollout = await rolloutStore.find(id);
    if (rollout === undefined) throw new Error("The rollout is gone.");
    return rollout;
  }

  return { names, cams, rolloutStore, reports, replica, plan, found, database };
}

/** Runs the lanes of a replica until nothing is left to do for now. */
export async function settle({ runner, idle }: ReturnType<World["replica"]>): Promise<void> {
  for (let looks = 0; looks < 3; looks++) {
    await runner.advance();
    await idle();
  }
}

type World = Awaited<ReturnType<typeof openRunWorld>>;

/** Returns the context of an operation. */
export function by(caller: Caller) {
  return { caller, requestId: randomUUID() };
}

/** Returns the hash of a plan, as its caller has read it. */
export function hashOf({ planHash = "" }: Rollout): string {
  return planHash;
}
