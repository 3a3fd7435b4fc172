import type { AuditCheckpointer } from "../audit/checkpointer.ts";
import { DatabaseTime } from "../directory/database-time.ts";
import type { Directory } from "../directory/directory.ts";
import type { JobKind } from "../jobs/job-queue.ts";
import { type PlanObserver, RolloutPlanner } from "../rollouts/plan-rollout.ts";
import { PlanStore } from "../rollouts/plan-store.ts";
import { RolloutBundles } from "../rollouts/proof/rollout-bundle.ts";
import { RolloutPlans } from "../rollouts/rollout-plans.ts";
import type { RolloutRuns } from "../rollouts/rollout-runs.ts";
import { RolloutStore } from "../rollouts/rollout-store.ts";
import type { RunLanes } from "../rollouts/run-lanes.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { Foundation } from "./foundation.ts";
import { reportDrift } from "./open-directory.ts";
import { openRolloutRuns, type RunParts } from "./open-rollout-runs.ts";

interface RolloutParts extends Omit<RunParts, "rollouts"> {
  readonly directory: Directory;
  /** Undefined if this gateway signs no checkpoints. */
  readonly checkpointer: AuditCheckpointer | undefined;
}

interface OpenRollouts {
  readonly bundles: RolloutBundles;
  readonly plans: RolloutPlans;
  readonly runs: RolloutRuns;
  /** Begin when they start. */
  readonly lanes: RunLanes;
  readonly jobs: readonly JobKind[];
}

/** Opens what plans and runs rollouts. */
export function openRollouts(foundation: Foundation, parts: RolloutParts): OpenRollouts {
  const { clock, telemetry, open } = foundation;
  const { database, directory, accounts, policy, pauses, jobs, checkpointer } = parts;
  const store = new RolloutStore(database);
  const planner = new RolloutPlanner({
    ...{ database, clock, directory, accounts, policy },
    time: new DatabaseTime(database, clock),
    store: new PlanStore(database, jobs.owner),
    onDrift: (user) => reportDrift(telemetry, user),
    observer: planObserver(telemetry),
  });
  open.defer(() => planner.stop());
  const plans = new RolloutPlans({ store, planner, accounts, pauses });
  const { runs, lanes } = openRolloutRuns(foundation, { ...parts, rollouts: store });
  const signNow = checkpointer && (() => checkpointer.checkpoint());
  const bundles = new RolloutBundles({ database, store, signNow });
  return { bundles, plans, runs, lanes, jobs: [planner.job, ...lanes.jobs] };
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
