import type { SafeAuthFlags } from "../cam/index.ts";
import type { Uin } from "../contract/index.ts";
import type { Directory, DirectoryUser } from "../directory/directory.ts";
import type { UserSelection } from "../directory/user-filter.ts";
import type { DoneItem, PlanStore } from "./plan-store.ts";
import type { DesiredProtections, PlannedItem, RolloutSelection } from "./rollout.ts";

/** A selected user, before the planner has decided about the user. */
export interface PlanUser extends Pick<PlannedItem, "account" | "opUin" | "name"> {
  /** The user in the directory, and the wanted protections. Undefined if the verdict does not depend on them. */
  readonly toPlan?: { readonly user: DirectoryUser; readonly desired: DesiredProtections };
  /** A verdict that is known already. */
  readonly verdict?: Pick<PlannedItem, "state" | "code" | "why">;
}

type Users = Pick<Directory, "page" | "find">;

const PAGE = 1_000;

/** The most Uins in one statement. */
const UINS_AT_ONCE = 5_000;

/** Splits a selection into selections of at most UINS_AT_ONCE Uins. */
export function inParts({ accounts, filter, opUins }: RolloutSelection): readonly UserSelection[] {
  const base = { ...filter, inactiveSince: dateOf(filter.inactiveSince), accounts };
  if (opUins === undefined) return [base];
  return Array.from({ length: Math.ceil(opUins.length / UINS_AT_ONCE) }, (_, part) => ({
    ...base,
    opUins: opUins.slice(part * UINS_AT_ONCE, (part + 1) * UINS_AT_ONCE),
  }));
}

/** The database stores a filter's dates as text. */
function dateOf(date: Date | undefined): Date | undefined {
  return date && new Date(date);
}

/**
 * Yields the selected users. Without a list of Uins, accounts take turns, so that every wave has users of each account.
 * Otherwise in the order of the list, with the Uins that no account has.
 */
export async function* selectedUsers(
  directory: Users,
  selection: RolloutSelection,
  desired: DesiredProtections,
): AsyncGenerator<PlanUser> {
  const toPlan = (user: DirectoryUser): PlanUser => {
    const { account, opUin, name } = user;
    return { account, opUin, name, toPlan: { user, desired } };
  };
  for (const part of inParts(selection)) {
    if (part.opUins === undefined) {
      for await (const user of inTurns(part.accounts.map((account) => pages(directory, part, account)))) {
        yield toPlan(user);
      }
      continue;
    }
    const { accounts, opUins } = part;
    const known = await usersIn(directory, { accounts, opUins });
    const isFiltered = Object.values(selection.filter).some((value) => value !== undefined);
    const matching = isFiltered ? await usersIn(directory, part) : known;
    for (const opUin of opUins) {
      for (const user of matching.get(opUin) ?? []) yield toPlan(user);
      if (!known.has(opUin)) yield nowhere(opUin, accounts);
    }
  }
}

function nowhere(opUin: Uin, accounts: readonly string[]): PlanUser {
  const [account, ...others] = accounts;
  const verdict = { state: "blocked", code: "USER_NOT_EXIST" } as const;
  return { account: others.length === 0 ? account : undefined, opUin, name: undefined, verdict };
}

async function usersIn(
  directory: Users,
  selection: UserSelection,
): Promise<ReadonlyMap<Uin, readonly DirectoryUser[]>> {
  const users: DirectoryUser[] = [];
  for (const account of selection.accounts) {
    for await (const user of pages(directory, selection, account)) users.push(user);
  }
  return Map.groupBy(users, ({ opUin }) => opUin);
}

async function* pages(
  directory: Users,
  selection: UserSelection,
  account: string,
): AsyncGenerator<DirectoryUser> {
  for (let after = ""; ; ) {
    const page = await directory.page({ ...selection, accounts: [account] }, PAGE, after);
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = last.opUin;
  }
}

async function* inTurns<Value>(sources: readonly AsyncGenerator<Value>[]): AsyncGenerator<Value> {
  for (let left = sources; left.length > 0; ) {
    const still: AsyncGenerator<Value>[] = [];
    for (const source of left) {
      const { value, done } = await source.next();
      if (done) continue;
      yield value;
      still.push(source);
    }
    left = still;
  }
}

/**
 * Yields the users that a rollout has changed. The wanted protections are those from before. Users changed since then
 * have the state changed_since.
 */
export async function* undoneUsers(
  directory: Users,
  store: Pick<PlanStore, "doneItems">,
  undoOf: string,
): AsyncGenerator<PlanUser> {
  for await (const items of store.doneItems(undoOf)) {
    const known = new Map<string, ReadonlyMap<Uin, DirectoryUser>>();
    for (const [account, ofAccount] of Map.groupBy(items, (item) => item.account)) {
      const opUins = ofAccount.map(({ opUin }) => opUin);
      known.set(account, await directory.find(account, opUins));
    }
    for (const item of items) yield undone(item, known.get(item.account)?.get(item.opUin));
  }
}

function undone(item: DoneItem, user: DirectoryUser | undefined): PlanUser {
  const { account, opUin, state, before, sent, changedAgain } = item;
  const same = { account, opUin, name: user?.name ?? item.name };
  const refuse = (verdict: PlanUser["verdict"] & object): PlanUser => ({ ...same, verdict });
  if (state === "unknown") return refuse({ state: "blocked", code: "OUTCOME_UNKNOWN" });
  if (user === undefined) return refuse({ state: "blocked", code: "USER_NOT_EXIST" });
  if (changedAgain) {
    return refuse({ state: "changed_since", why: "The gateway has changed the user again since." });
  }
  const { protections } = user;
  if (protections !== undefined && !showsRun(protections, item)) {
    return refuse({ state: "changed_since", why: "Another program or person has changed the user since." });
  }
  const desired = {
    login: sent.login && writable(before.login),
    action: sent.action && writable(before.action),
  };
  const gaps = [desired.login, desired.action].flatMap((methods) => Object.values(methods ?? {}));
  if (gaps.includes(undefined)) {
    const why = "The record does not say whether each method was on before.";
    return refuse({ state: "blocked", code: "CAM_BAD_RESPONSE", why });
  }
  return { ...same, toPlan: { user, desired } };
}

function writable({ phone, stoken, wechat }: SafeAuthFlags["login"]) {
  return { phone, stoken, wechat };
}

/** Returns whether protections are those after a change. Ignores methods that CAM did not report. */
function showsRun(now: SafeAuthFlags, { before, sent }: Pick<DoneItem, "before" | "sent">): boolean {
  return (["login", "action"] as const).every((protection) => {
    const left: Readonly<Record<string, boolean | undefined>> = {
      ...before[protection],
      ...sent[protection],
    };
    return Object.entries(now[protection]).every(
      ([method, isOn]) => isOn === undefined || left[method] === undefined || left[method] === isOn,
    );
  });
}
