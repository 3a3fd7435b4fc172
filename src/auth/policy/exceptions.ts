import type { Uin } from "../../contract/index.ts";
import { isInSome, matchesSome } from "./patterns.ts";
import type { Policy, PolicyException } from "./policy.ts";

/** The facts about a user that decide about an exception. */
interface ExcusableUser {
  readonly account: string;
  readonly opUin: Uin;
  /** Undefined or null if it is not known. No pattern matches it then. */
  readonly name: string | null | undefined;
}

/** Returns the exceptions that are in force at a time, in milliseconds since the Unix epoch. */
export function exceptionsAt({ exceptions }: Policy, atMs: number): readonly PolicyException[] {
  return exceptions.filter(({ until }) => atMs < Date.parse(`${until}T24:00:00Z`));
}

/** Returns the first of some exceptions that excuses a user, or undefined. */
export function exceptionOf(
  exceptions: readonly PolicyException[],
  { account, opUin, name }: ExcusableUser,
): PolicyException | undefined {
  return exceptions.find(({ users, accounts }) => {
    if (accounts !== undefined && !matchesSome(accounts, account)) return false;
    if (users.uins !== undefined && isInSome(users.uins, opUin)) return true;
    return (
      users.names !== undefined && typeof name === "string" && matchesSome(users.names, name.normalize())
    );
  });
}
