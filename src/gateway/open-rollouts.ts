import type { CallerPauses } from "../audit/caller-pauses.ts";
import type { AuditCheckpointer } from "../audit/checkpointer.ts";
import type { RequestMacs } from "../audit/request-macs.ts";
import type { RolloutChangeStore } from "../audit/rollout-change-store.ts";
import type { Accounts } from "../auth/accounts.ts";
import type { PolicyFile } from "../auth/policy/policy-file.ts";
import type { ChangeService } from "../changes/change-service.ts";
import { STALE_READ_MS } from "../changes/changes-of-user.ts";
import type { Database } from "../database/database.ts";
import { DatabaseTime } from "../directory/database-time.ts";
import type { Directory } from "../directory/directory.ts";
import type { JobKind } from "../jobs/job-queue.ts";
import { OrderStore } from "../rollouts/order-store.ts";
import { PlanStore } from "../rollouts/plan-store.ts";
import { RolloutBundles } from "../rollouts/proof/rollout-bundle.ts";
import { ReadBackStore } from "../rollouts/read-back-store.ts";
import { type OrderObserver, RolloutOrders } from "../rollouts/rollout-orders.ts";
import { type PlanObserver, RolloutPlanner } from "../rollouts/rollout-planner.ts";
import { RolloutRunner, type RunObserver } from "../rollouts/rollout-runner.ts";
import { RolloutService } from "../rollouts/rollout-service.ts";
import { RolloutStore } from "../rollouts/rollout-store.ts";
import { type OpenCount, RunStore } from "../rollouts/run-store.ts";
import type { LogEventId } from "../telemetry/log-events.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { Account } from "./create-account.ts";
import type { Foundation } from "./foundation.ts";
import type { JobParts } from "./open-database.ts";
import { reportDrift } from "./open-directory.ts";

interface RolloutParts extends Omit<RunParts, "rolloutStore"> {
  readonly directory: Directory;
  /** Undefined if this gateway signs no checkpoints. */
  readonly checkpointer: AuditCheckpointer | undefined;
}

interface OpenRollouts {
  readonly bundles: RolloutBundles;
  readonly rolloutService: RolloutService;
  readonly rolloutOrders: RolloutOrders;
  /** Runs lanes once it is started. */
  readonly runner: RolloutRunner;
  readonly jobs: readonly JobKind[];
}

/** Opens the parts that plan and run rollouts. */
export function openRollouts(foundation: Foundation, parts: RolloutParts): OpenRollouts {
  const { clock, telemetry, closers } = foundation;
  const { database, directory, accounts, policy, pauses, jobs, checkpointer } = parts;
  const rolloutStore = new RolloutStore(database);
  const planner = new RolloutPlanner({
    ...{ database, clock, directory, accounts, policy },
    time: new DatabaseTime(database, clock),
    store: new PlanStore(database, jobs.owner),
    onDrift: (user) => reportDrift(telemetry, user),
    observer: planObserver(telemetry),
  });
  closers.defer(() => planner.stop());
  const rolloutService = new RolloutService({ rolloutStore, planner, accounts, pauses });
  const { rolloutOrders, runner } = openRolloutRuns(foundation, { ...parts, rolloutStore });
  const signNow = checkpointer && (() => checkpointer.checkpoint());
  const bundles = new RolloutBundles({ database, rolloutStore, signNow });
  return { bundles, rolloutService, rolloutOrders, runner, jobs: [planner.job, ...runner.jobs] };
}

function planObserver({ report }: Telemetry): PlanObserver {
  return {
    onPlanned: (rolloutId, durationMs) =>
      report("rollout.planned", { rolloutId, durationMs: Math.round(durationMs) }),
    onPlanFailed: (rolloutId, { code, camCode }, err) =>
      report("rollout.plan_failed", { rolloutId, code, camCode, err }),
    onError: (err) => report("rollout.plans_interrupted", { err }),
  };
}

interface RunParts {
  readonly database: Database;
  readonly accounts: Accounts<Account>;
  readonly changes: ChangeService;
  readonly policy: PolicyFile | undefined;
  readonly rolloutStore: RolloutStore;
  readonly rolloutChangeStore: RolloutChangeStore;
  readonly pauses: CallerPauses;
  readonly jobs: JobParts;
  /** Undefined without a signing key: starts have no MAC. */
  readonly requestMacs: RequestMacs | undefined;
}

/** Opens the parts that run rollouts: people's orders, and the runner of the lanes. Lanes begin after `runner.start()`. */
function openRolloutRuns(
  { config, clock, telemetry, closers }: Foundation,
  {
    database,
    accounts,
    changes,
    policy,
    rolloutStore,
    rolloutChangeStore,
    pauses,
    jobs,
    requestMacs,
  }: RunParts,
): { readonly rolloutOrders: RolloutOrders; readonly runner: RolloutRunner } {
  const runStore = new RunStore(database, jobs.owner);
  const { timeLimitMs } = config.camLimits;
  const runner = new RolloutRunner({
    ...{ database, requestMacs, accounts, changes, clock, timeLimitMs },
    ...{ runStore, rolloutStore, rolloutChangeStore },
    readBackStore: new ReadBackStore(database, jobs.owner),
    ...{ send: jobs.send, staleReadMs: STALE_READ_MS, observer: runObserver(telemetry) },
  });
  closers.defer(() => runner.stop());
  const rolloutOrders = new RolloutOrders({
    ...{ database, rolloutStore, runStore, runner, policy },
    ...{ orderStore: new OrderStore(database, requestMacs), pauses },
    ...{ guardUsers: config.bulkGuard.users, observer: orderObserver(telemetry) },
  });
  return { rolloutOrders, runner };
}

const ENDS: Readonly<Partial<Record<string, LogEventId>>> = {
  done: "rollout.finished",
  stopped: "rollout.stopped",
  expired: "rollout.expired",
};

function runObserver({ report, metrics }: Telemetry): RunObserver {
  let counts: readonly OpenCount[] = [];
  metrics.sample(() => {
    for (const { kind, name, count } of counts) {
      if (kind === "status") metrics.record("rollouts", count, { status: name });
      else metrics.record("rollout.items", count, { state: name });
    }
  });
  const step = (event: LogEventId, fields: object): void => {
    metrics.record("rollout.steps", 1, { step: event.replace("rollout.", "") });
    report(event, fields);
  };
  return {
    onAdvanced: ({ id: rolloutId, after, beganWave, hint }) => {
      const event = ENDS[after];
      if (event !== undefined) step(event, { rolloutId, ...(hint && { hint }) });
      else step("rollout.wave_began", { rolloutId, wave: beganWave });
    },
    onCallerPaused: (rolloutId) => step("rollout.caller_paused", { rolloutId }),
    onForged: (rolloutId) => step("rollout.forged", { rolloutId }),
    onSealed: (rolloutId) => step("rollout.sealed", { rolloutId }),
    onCounted: (counted) => {
      counts = counted;
    },
    onAccountsLost: (items) => report("rollout.accounts_lost", { items }),
    onLanePaused: (lane, code) => report("rollout.lane_paused", { ...lane, code }),
    onLaneError: (lane, err) => report("rollout.lane_failed", { ...lane, err }),
    onError: (err) => report("rollouts.not_run", { err }),
  };
}

const ORDERS = {
  approval_requested: "rollout.approval_requested",
  started: "rollout.started",
  rejected: "rollout.rejected",
  paused: "rollout.paused",
  resumed: "rollout.resumed",
  cancelled: "rollout.cancelled",
  wave_released: "rollout.wave_began",
} as const;

function orderObserver({ report, metrics }: Telemetry): OrderObserver {
  return {
    onPlanAltered: (rolloutId) => report("rollout.plan_altered", { rolloutId }),
    onOrder: (kind, { id: rolloutId, name, wave, approval }, { subject: by }, requestId) => {
      const event = ORDERS[kind];
      metrics.record("rollout.steps", 1, { step: event.replace("rollout.", "") });
      const expiresAt = kind === "approval_requested" ? approval?.expiresAt.toISOString() : undefined;
      report(event, { rolloutId, name, requestId, by, wave, ...(expiresAt && { expiresAt }) });
    },
  };
}
