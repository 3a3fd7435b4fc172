import type { CallerPauses } from "../audit/caller-pauses.ts";
import type { Accounts } from "../auth/accounts.ts";
import type { CallerIdentity } from "../auth/caller.ts";
import { requestsAnyMethod } from "../changes/prepare-change.ts";
import { GatewayError } from "../contract/index.ts";
import {
  type DesiredProtections,
  type ItemState,
  MAX_USERS,
  type Rollout,
  type RolloutContext,
  type RolloutItem,
  type RolloutLane,
  type RolloutOptions,
  type RolloutProof,
  type RolloutReason,
  type RolloutSelection,
  type RolloutStatus,
} from "./rollout.ts";
import { requireNotPaused } from "./rollout-orders.ts";
import type { RolloutPlanner } from "./rollout-planner.ts";
import type { ItemFilter, NewRollout, RolloutStore } from "./rollout-store.ts";

/** A caller's request to plan a rollout. */
export interface PlanRequest extends RolloutOptions {
  readonly name: string;
  readonly reason: string;
  /** Without accounts: all accounts that the caller may use. */
  readonly selection: Omit<RolloutSelection, "accounts"> & {
    readonly accounts: readonly string[] | undefined;
  };
  readonly desired: DesiredProtections;
}

interface RolloutServiceDeps {
  readonly rolloutStore: RolloutStore;
  readonly planner: Pick<RolloutPlanner, "plan">;
  readonly accounts: Pick<
    Accounts<{ readonly name: string; readonly ratePerSecond: number }>,
    "all" | "select" | "mayUse"
  >;
  readonly pauses: Pick<CallerPauses, "isPaused">;
}

/** The statuses of a rollout that has ended and may have changed users. */
const ENDED: ReadonlySet<RolloutStatus> = new Set<RolloutStatus>(["done", "stopped", "cancelled"]);

/** The format of an id. PostgreSQL would refuse other texts with an error. */
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export const LONGEST_NAME = 100;

/** Plans rollouts, and shows them to callers who may use all of their accounts. */
export class RolloutService {
  readonly #deps: RolloutServiceDeps;

  constructor(deps: RolloutServiceDeps) {
    this.#deps = deps;
  }

  /**
   * Begins to plan a rollout. Returns it before the plan is ready.
   * @throws GatewayError FORBIDDEN, UNKNOWN_ACCOUNT, NOTHING_TO_CHANGE, ROLLOUT_SELECTION, CALLER_PAUSED
   */
  async plan(request: PlanRequest, context: RolloutContext): Promise<Rollout> {
    const { selection, desired, name, reason, ...options } = request;
    const { filter, opUins } = selection;
    const accounts = this.#deps.accounts.select(selection.accounts, context.caller);
    if (accounts.length === 0) throw new GatewayError("ROLLOUT_SELECTION", { hint: "It has no account." });
    if (!requestsAnyMethod(desired)) throw new GatewayError("NOTHING_TO_CHANGE");
    const listed = opUins && [...new Set(opUins)];
    if (listed !== undefined && listed.length > MAX_USERS) {
      const hint = `It lists ${listed.length} users. A plan can have ${MAX_USERS}: split the list.`;
      throw new GatewayError("ROLLOUT_SELECTION", { hint });
    }
    const input = { ...options, desired, selection: { accounts, filter, opUins: listed } };
    return this.#begin({ name, reason, input, accounts, undoOf: undefined, ...context });
  }

  /**
   * Begins to plan the undo of a rollout that has ended.
   * @throws GatewayError ROLLOUT_STATUS, FORBIDDEN, CALLER_PAUSED
   */
  async planUndo(undone: Rollout, reason: string, context: RolloutContext): Promise<Rollout> {
    const { id, name, status, startedAt, accounts, input } = undone;
    if (!ENDED.has(status) || startedAt === undefined) {
      throw new GatewayError("ROLLOUT_STATUS", {
        hint: "Only a rollout that has run and ended can be undone.",
      });
    }
    const { maxFailures } = input;
    const options = { maxFailures, waves: [], window: undefined, includeAtRisk: true };
    return this.#begin({
      ...{ name: `Undo: ${name}`.slice(0, LONGEST_NAME), reason, accounts, undoOf: id },
      input: { ...options, selection: undefined, desired: undefined },
      ...context,
    });
  }

  /** Returns a rollout that the caller may see. @throws GatewayError ROLLOUT_NOT_FOUND */
  async require(id: string, caller: CallerIdentity): Promise<Rollout> {
    const rollout = await this.find(id, caller);
    if (rollout === undefined) throw new GatewayError("ROLLOUT_NOT_FOUND");
    return rollout;
  }

  /** Returns a rollout, or undefined if there is none or the caller may not see it. */
  async find(id: string, caller: CallerIdentity): Promise<Rollout | undefined> {
    const { rolloutStore, accounts } = this.#deps;
    if (!UUID.test(id)) return undefined;
    const rollout = await rolloutStore.find(id);
    return rollout?.accounts.every((account) => accounts.mayUse(caller, account)) ? rollout : undefined;
  }

  /** Returns the rollouts that a caller may see, the latest first. */
  async list(
    caller: CallerIdentity,
    status: RolloutStatus | undefined,
    limit: number,
    after: string | undefined,
  ): Promise<readonly Rollout[]> {
    const { rolloutStore, accounts } = this.#deps;
    const visible = (await rolloutStore.accounts()).filter((account) => accounts.mayUse(caller, account));
    return rolloutStore.list(visible, status, limit, after);
  }

  counts({ id }: Rollout): Promise<Readonly<Record<ItemState, number>>> {
    return this.#deps.rolloutStore.counts(id);
  }

  reasons({ id }: Rollout): Promise<readonly RolloutReason[]> {
    return this.#deps.rolloutStore.reasons(id);
  }

  items({ id }: Rollout, filter: ItemFilter, limit: number, after?: number): Promise<readonly RolloutItem[]> {
    return this.#deps.rolloutStore.items(id, filter, limit, after);
  }

  countItems({ id }: Rollout, filter: ItemFilter): Promise<number> {
    return this.#deps.rolloutStore.countItems(id, filter);
  }

  /** Returns the accounts with items that are to be changed, in the order of the names. */
  async lanes({ id }: Rollout): Promise<readonly RolloutLane[]> {
    const { rolloutStore, accounts } = this.#deps;
    const rates = new Map(accounts.all.map(({ name, ratePerSecond }) => [name, ratePerSecond]));
    const rows = await rolloutStore.lanes(id);
    return rows.map(({ account, total, done, isLeased, isPaused, code }) => ({
      ...{ account, total, done, code: isPaused ? code : undefined },
      state: done === total ? "done" : isPaused ? "held" : isLeased ? "running" : "waiting",
      secondsLeft: Math.ceil((total - done) / (rates.get(account) ?? 1)),
    }));
  }

  /** Returns what the reads after the run showed. Undefined before they are done. */
  async proof({ id, startedAt, finishedAt }: Rollout): Promise<RolloutProof | undefined> {
    if (startedAt === undefined || finishedAt === undefined) return undefined;
    const proof = await this.#deps.rolloutStore.proof(id);
    if (proof === undefined || !proof.sealed) return undefined;
    return { ...proof, readBackAt: proof.readBackAt ?? finishedAt };
  }

  async #begin(rollout: NewRollout): Promise<Rollout> {
    await requireNotPaused(this.#deps.pauses, rollout.caller);
    const { rolloutStore, planner } = this.#deps;
    const created = await rolloutStore.create(rollout);
    planner.plan(created.id);
    return created;
  }
}
