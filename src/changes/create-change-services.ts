import type { ApprovalLog } from "../audit/approval-log.ts";
import type { CallerPauses } from "../audit/caller-pauses.ts";
import type { ChangeLog } from "../audit/change-log.ts";
import type { Accounts } from "../auth/accounts.ts";
import type { Clock } from "../clock.ts";
import type { ChangeAccess } from "./change-access.ts";
import type { ChangeAccount } from "./change-account.ts";
import { ChangeApprovals } from "./change-approvals.ts";
import { ChangeRunner } from "./change-runner.ts";
import { ChangeService } from "./change-service.ts";
import type { ChangeObserver } from "./mfa-change.ts";
import { PausedCallers, type PausedCallersObserver } from "./paused-callers.ts";
import { RecentWrites } from "./recent-writes.ts";

export interface ChangeServicesDeps {
  readonly access: Pick<ChangeAccess, "authorise" | "requireNotOwn">;
  readonly accounts: Pick<Accounts<ChangeAccount>, "require">;
  readonly log: Pick<ChangeLog, "begin" | "settle" | "find" | "recentWrites" | "findByIdempotencyKey">;
  readonly approvalLog: Pick<ApprovalLog, "approve" | "reject">;
  readonly pauses: Pick<CallerPauses, "isPaused" | "list" | "resume">;
  readonly clock: Clock;
  readonly observer?: ChangeObserver & PausedCallersObserver;
}

/** Every way to a write, all of which lead through one runner. */
export interface ChangeServices {
  readonly changes: ChangeService;
  readonly approvals: ChangeApprovals;
  readonly pausedCallers: PausedCallers;
  readonly recentWrites: RecentWrites;
  /** Resolves when no change is under way; each ends by its deadline. */
  idle(): Promise<void>;
}

export function createChangeServices({
  approvalLog,
  pauses,
  observer,
  ...deps
}: ChangeServicesDeps): ChangeServices {
  const observed = observer === undefined ? {} : { observer };
  const recentWrites = new RecentWrites(deps.clock);
  const runner = new ChangeRunner({ ...deps, ...observed, recentWrites });
  const pausedCallers = new PausedCallers({ pauses, ...observed });
  const shared = { ...deps, ...observed, runner, pausedCallers };
  return {
    changes: new ChangeService(shared),
    approvals: new ChangeApprovals({ ...shared, approvalLog }),
    pausedCallers,
    recentWrites,
    idle: () => runner.idle(),
  };
}
