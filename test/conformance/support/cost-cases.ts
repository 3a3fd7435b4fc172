import { ALICE, BOB } from "../../support/seed-users.ts";

/** Operations and the most calls of CAM that each of them can make, which is what a router estimates as their cost. */
export const COST_CASES: readonly (readonly [what: string, query: string, calls: number])[] = [
  ["a user", `{ subUser(opUin: "${ALICE}") { name } }`, 1],
  ["a user and the protections", `{ subUser(opUin: "${ALICE}") { name mfa { login { phone } } } }`, 2],
  ["two users", `{ a: subUser(opUin: "${ALICE}") { name } b: subUser(opUin: "${BOB}") { uid } }`, 2],
  ["a change", `mutation { setSubUserMfa(opUin: "${ALICE}", login: { phone: true }) { requestId } }`, 2],
  // Hive counts 1 for the union, which cannot have a weight.
  ["a change, errors as data", `mutation { trySetSubUserMfa(opUin: "${BOB}") { __typename } }`, 3],
  ["an approval, errors as data", 'mutation { tryApproveMfaChange(id: "none") { __typename } }', 3],
  ["the list of paused callers", "{ pausedCallers { subject resumedBy { subject } } }", 0],
  ["the record", "{ mfaChanges { nodes { id requested { login { phone } } } } }", 0],
  ["the quota", "{ camQuota { action used } }", 0],
  ["the error catalogue", "{ camErrors { code } }", 0],
];

/** A list, which counts as 50 users: one call for each user's protections. */
export const LIST_OF_USERS = `{ subUsers(opUins: ["${ALICE}", "${BOB}"]) { name mfa { login { phone } } } }`;
