import { Authorized, Directive } from "type-graphql";
import type { Scope } from "../auth/caller.ts";

/**
 * Restricts a field to authenticated callers with at least one of these scopes. The gateway checks the scopes for every
 * request. The directives let a router refuse a request without calling the gateway.
 */
export function RequiresScope(...scopes: readonly Scope[]): (prototype: object, field: string) => void {
  const anyOf = JSON.stringify(scopes.map((scope) => [scope]));
  // The directive that is applied last is printed first.
  const decorators = [
    Authorized<Scope>([...scopes]),
    Directive(`@requiresScopes(scopes: ${anyOf})`),
    Directive("@authenticated"),
  ];
  return (prototype, field) => {
    for (const decorate of decorators) decorate(prototype, field);
  };
}

/**
 * Declares the cost of a field to routers: the number of its CAM calls. A router that limits the cost of operations
 * thereby limits their share of CAM's quota. Types and arguments cost 0, because routers count 1 for every object
 * without a weight. The weights do not count the two further reads of the user that a policy on names or tags adds to a
 * change.
 */
export function CamCalls(calls: 0 | 1 | 2): ReturnType<typeof Directive> {
  return Directive(`@cost(weight: ${calls})`);
}

/** The CAM actions that fields call. Each has its own rate limit. */
export const CAM_ACTIONS = ["SetMfaFlag", "DescribeSafeAuthFlagColl", "DescribeSubAccounts"] as const;

export type CamActionName = (typeof CAM_ACTIONS)[number];

/** The CAM calls of each field, without the fields below it. A test compares them with the `@cost` of the schema. */
export const CALLS_OF_FIELDS: Readonly<Record<string, Partial<Readonly<Record<CamActionName, number>>>>> = {
  "Query.subUser": { DescribeSubAccounts: 1 },
  "SubUser.mfa": { DescribeSafeAuthFlagColl: 1 },
  "Mutation.setSubUserMfa": { SetMfaFlag: 1, DescribeSafeAuthFlagColl: 1 },
  "Mutation.trySetSubUserMfa": { SetMfaFlag: 1, DescribeSafeAuthFlagColl: 1 },
  "Mutation.approveMfaChange": { SetMfaFlag: 1, DescribeSafeAuthFlagColl: 1 },
  "Mutation.tryApproveMfaChange": { SetMfaFlag: 1, DescribeSafeAuthFlagColl: 1 },
};

/**
 * The fields that list users, with the argument that names the users or their number. Up to 50 users share one call for
 * profiles.
 */
export const LISTS_OF_USERS: Readonly<Record<string, string>> = {
  "Query.subUsers": "opUins",
  "Query._entities": "representations",
  "Query.subUserDirectory": "first",
};
