import type { Accounts } from "../auth/accounts.ts";
import type { Policy } from "../auth/policy/policy.ts";
import type { PolicyFile } from "../auth/policy/policy-file.ts";
import type { GatewayIdentity } from "../changes/gateway-identity.ts";
import { removesProtection } from "../changes/prepare-change.ts";
import { type CamErrorCode, GatewayError, type Uin } from "../contract/index.ts";
import type { BulkReadsDeps, ScannedAccount } from "../directory/bulk-reads.ts";
import type { Directory } from "../directory/directory.ts";
import { refreshUsers } from "../directory/refresh-users.ts";
import type { UserSelection } from "../directory/user-filter.ts";
import { ItemPlanner } from "./item-planner.ts";
import { PlanHash, termsOf } from "./plan-hash.ts";
import type { FinishedPlan, PlanningRollout, PlanStore } from "./plan-store.ts";
import { inParts, type PlanUser, selectedUsers, undoneUsers } from "./plan-users.ts";
import { MAX_USERS, type PlannedItem, type RolloutInput, type RolloutPrice } from "./rollout.ts";

/** The parts of an account that a plan uses. */
interface PlannedAccount {
  readonly name: string;
  readonly ratePerSecond: number;
  readonly scanned: ScannedAccount;
  readonly gatewayIdentity: Pick<GatewayIdentity, "knows" | "requireOwnKey">;
}

export interface MakePlanDeps extends BulkReadsDeps {
  readonly store: PlanStore;
  readonly directory: Pick<Directory, "page" | "find" | "count">;
  readonly accounts: Pick<Accounts<PlannedAccount>, "all" | "find">;
  /** The policy in force now. Without a policy, no user is refused. */
  readonly policy: Pick<PolicyFile, "current" | "sha256"> | undefined;
}

/**
 * The oldest data of the directory that a plan uses. The planner reads older data again. Each item reads its user again
 * when it runs.
 */
const MAX_AGE_MS = 3_600_000;

/** The time limit for learning the owner of a key. */
const IDENTITY_TIMEOUT_MS = 30_000;

/** The most items in one statement. */
const BATCH = 1_000;

/**
 * Plans a rollout: brings the directory up to date, decides about each user in memory, and writes the items.
 *
 * @throws GatewayError ROLLOUT_SELECTION, UNKNOWN_ACCOUNT, STORE_UNAVAILABLE. CamError if CAM is unavailable.
 */
export async function makePlan(
  deps: MakePlanDeps,
  rollout: PlanningRollout,
  signal: AbortSignal,
): Promise<FinishedPlan> {
  const { store, directory, policy: file, clock } = deps;
  const { input, undoOf, caller } = rollout;
  const accounts = rollout.accounts.map((name) => accountOf(deps, name));
  const unread = await refresh(deps, accounts, rollout, signal);
  // Take policy and hash together: the file may be replaced during the plan.
  const { current: policy, sha256: policyHash } = file ?? {};
  const isOwn = (opUin: Uin) => deps.accounts.all.some(({ gatewayIdentity }) => gatewayIdentity.knows(opUin));
  const toDatabaseTime = await deps.time.converter();
  const planner = new ItemPlanner({ policy, caller, atMs: toDatabaseTime(clock.monotonic()), isOwn });
  const plan = new PlanBuilder(input);
  let batch: PlannedItem[] = [];
  let writing: Promise<void> = Promise.resolve();
  // The database writes a batch while the planner decides about the next users.
  const write = async (): Promise<void> => {
    await writing;
    writing = store.addItems(rollout, batch);
    // The next write, or the end of the plan, throws the error.
    writing.catch(() => undefined);
    batch = [];
  };
  try {
    for await (const user of usersOf(directory, store, rollout)) {
      signal.throwIfAborted();
      batch.push(plan.add(user, planner, unread.get(keyOf(user))));
      if (batch.length === BATCH) await write();
    }
    if (batch.length > 0) await write();
    await writing;
  } finally {
    await Promise.allSettled([writing]);
  }
  return plan.end(accounts, { policy, policyHash, undoOf });
}

function accountOf({ accounts }: MakePlanDeps, name: string): PlannedAccount {
  const account = accounts.find(name);
  if (account !== undefined) return account;
  throw new GatewayError("UNKNOWN_ACCOUNT", { hint: `The account ${name} was removed.` });
}

/**
 * Brings the directory up to date for the selected users. Returns the errors of users that CAM did not return, by
 * `keyOf`.
 */
async function refresh(
  deps: MakePlanDeps,
  accounts: readonly PlannedAccount[],
  { input, undoOf }: PlanningRollout,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, CamErrorCode>> {
  const { clock, directory, store } = deps;
  const unread = new Map<string, CamErrorCode>();
  const failed = new AbortController();
  const options = { freshMs: MAX_AGE_MS, signal: AbortSignal.any([signal, failed.signal]) };
  const refreshOne = async ({ name, scanned, gatewayIdentity }: PlannedAccount) => {
    // Until the owner of each key is known, the plan cannot exclude that user.
    await gatewayIdentity.requireOwnKey(clock.monotonic() + IDENTITY_TIMEOUT_MS);
    for await (const part of partsOf(store, input, undoOf, name)) {
      for (const [opUin, code] of await refreshUsers(deps, scanned, part, options)) {
        unread.set(keyOf({ account: name, opUin }), code);
      }
    }
  };
  const refreshing = accounts.map(refreshOne);
  try {
    await Promise.all(refreshing);
  } catch (error) {
    failed.abort();
    await Promise.allSettled(refreshing);
    throw error;
  }
  const { selection } = input;
  if (selection === undefined) return unread;
  let users = 0;
  for (const part of inParts(selection)) users += await directory.count(part);
  if (users <= MAX_USERS) return unread;
  const hint = `It has ${users} users. A plan can have ${MAX_USERS}.`;
  throw new GatewayError("ROLLOUT_SELECTION", { hint });
}

/** Yields the selections whose users a plan needs from one account. */
async function* partsOf(
  store: PlanStore,
  { selection }: RolloutInput,
  undoOf: string | undefined,
  account: string,
): AsyncGenerator<UserSelection> {
  if (selection !== undefined) yield* inParts(selection);
  if (undoOf === undefined) return;
  for await (const items of store.doneItems(undoOf)) {
    const opUins = items.filter((item) => item.account === account).map(({ opUin }) => opUin);
    if (opUins.length > 0) yield { accounts: [account], opUins };
  }
}

function usersOf(
  directory: MakePlanDeps["directory"],
  store: PlanStore,
  { input, undoOf }: PlanningRollout,
): AsyncGenerator<PlanUser> {
  if (undoOf !== undefined) return undoneUsers(directory, store, undoOf);
  const { selection, desired } = input;
  if (selection === undefined || desired === undefined) throw new Error("A rollout has no selection.");
  return selectedUsers(directory, selection, desired);
}

function keyOf({ account, opUin }: Pick<PlannedItem, "account" | "opUin">): string {
  return `${account}/${opUin}`;
}

/** Numbers the items of a plan and counts their calls. */
class PlanBuilder {
  readonly #input: RolloutInput;
  readonly #hash = new PlanHash();
  readonly #usersToChange = new Map<string, number>();
  /** The last user of each listed wave, counting only users to change. */
  readonly #waveEnds: readonly number[];
  #items = 0;
  #toChange = 0;
  #losingProtection = 0;
  #approvalMinutes: number | undefined;

  constructor(input: RolloutInput) {
    this.#input = input;
    let end = 0;
    this.#waveEnds = input.waves.map(({ users }) => {
      end += users;
      return end;
    });
  }

  add(
    { toPlan, verdict, ...user }: PlanUser,
    planner: ItemPlanner,
    unread: CamErrorCode | undefined,
  ): PlannedItem {
    const planned =
      verdict ?? (toPlan ? planner.plan(toPlan.user, toPlan.desired, unread) : { state: "blocked" as const });
    const { approvalMinutes, ...same } = { approvalMinutes: undefined, ...planned };
    this.#items += 1;
    const isToChange =
      same.state === "will_change" || (same.state === "at_risk" && this.#input.includeAtRisk);
    const item: PlannedItem = {
      ...user,
      ...same,
      item: this.#items,
      wave: isToChange ? this.#nextWave() : undefined,
    };
    this.#hash.add(item);
    if (!isToChange || user.account === undefined) return item;
    this.#usersToChange.set(user.account, (this.#usersToChange.get(user.account) ?? 0) + 1);
    if (item.before && item.sent && removesProtection(item.before, item.sent)) this.#losingProtection += 1;
    if (approvalMinutes !== undefined) {
      this.#approvalMinutes = Math.min(approvalMinutes, this.#approvalMinutes ?? approvalMinutes);
    }
    return item;
  }

  /** @throws GatewayError ROLLOUT_SELECTION if the plan has no item. */
  end(
    accounts: readonly PlannedAccount[],
    {
      policy,
      ...rest
    }: Pick<FinishedPlan, "policyHash"> & {
      readonly policy: Parameters<typeof priceOf>[2];
      readonly undoOf: string | undefined;
    },
  ): FinishedPlan {
    if (this.#items === 0) throw new GatewayError("ROLLOUT_SELECTION", { hint: "It has no user." });
    const { maxFailures: given } = this.#input;
    const maxFailures = "count" in given ? given.count : Math.floor((this.#toChange * given.percent) / 100);
    const lanes = accounts
      .map(({ name, ratePerSecond }) => ({
        ...{ account: name, users: this.#usersToChange.get(name) ?? 0, ratePerSecond },
      }))
      .filter(({ users }) => users > 0);
    return {
      policyHash: rest.policyHash,
      planHash: this.#hash.end(termsOf({ ...rest, input: this.#input, maxFailures })),
      ...{ maxFailures, approvalMinutes: this.#approvalMinutes },
      price: { ...priceOf(lanes, maxFailures, policy), usersLosingProtection: this.#losingProtection },
    };
  }

  #nextWave(): number {
    this.#toChange += 1;
    const listed = this.#waveEnds.findIndex((end) => this.#toChange <= end);
    return (listed === -1 ? this.#waveEnds.length : listed) + 1;
  }
}

/** Calls for each user: the read and the write of the change, and the read after the run. */
const CALLS_A_USER = 3;
/** Further calls for each user if the policy has rules on names or tags: the profile, twice. */
const PROFILE_READS = 2;
/** The estimated time of one item, from its start to its outcome: two calls to CAM, and the record. */
const ITEM_SECONDS = 0.4;

interface PricedLane {
  readonly account: string;
  readonly users: number;
  /** CAM limits each action separately, so an account changes `ratePerSecond` users a second. */
  readonly ratePerSecond: number;
}

/** Returns the price of changing users, before holds of waves and times outside the window. */
export function priceOf(
  lanes: readonly PricedLane[],
  maxFailures: number,
  policy: Policy | undefined,
): RolloutPrice {
  const profileReads = policy !== undefined && dependsOnProfiles(policy) ? PROFILE_READS : 0;
  const secondsByAccount = lanes.map(({ account, users, ratePerSecond }) => ({
    ...{ account, users, camCalls: users * (CALLS_A_USER + profileReads) },
    seconds: Math.ceil((users * Math.max(1, profileReads)) / ratePerSecond),
  }));
  const users = lanes.reduce((sum, lane) => sum + lane.users, 0);
  const slowest = Math.max(0, ...secondsByAccount.map(({ seconds }) => seconds));
  // Over all accounts, the number of open items is at most the budget plus one.
  const byBudget = Math.ceil((users * ITEM_SECONDS) / Math.min(users || 1, maxFailures + 1));
  return {
    camCalls: secondsByAccount.reduce((sum, { camCalls }) => sum + camCalls, 0),
    seconds: Math.max(slowest, byBudget),
    secondsByAccount,
    budgetSeconds: Math.max(0, byBudget - slowest),
  };
}

function dependsOnProfiles({ rules }: Policy): boolean {
  return rules.some(({ users }) => users?.names !== undefined || users?.tags !== undefined);
}
