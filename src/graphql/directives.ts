import { type AuthCheckerFn, Authorized, Directive } from "type-graphql";
import type { Scope } from "../auth/caller.ts";
import { requireScope } from "../auth/caller.ts";
import type { GraphQLContext } from "./context.ts";

/**
 * Keeps a field for callers who have proved who they are and who have one of these scopes: here, whoever asks, and by
 * directives at a router, which so need not ask in vain.
 */
export function RequiresScope(...scopes: readonly Scope[]): (prototype: object, field: string) => void {
  const anyOf = JSON.stringify(scopes.map((scope) => [scope]));
  const directives = [Directive(`@requiresScopes(scopes: ${anyOf})`), Directive("@authenticated")];
  return (prototype, field) => {
    Authorized<Scope>([...scopes])(prototype, field);
    // Whatever is applied last is printed first.
    for (const apply of directives) apply(prototype, field);
  };
}

/**
 * Tells a router what a field costs: as many as the calls of CAM that it makes, so that whoever limits the cost of an
 * operation limits what it takes of CAM's quota. Types and arguments cost 0, for where nothing is said routers count 1
 * for every object. A policy that turns on names or tags adds two reads of the user to a change, which no weight counts.
 */
export function CamCalls(calls: 0 | 1 | 2): ReturnType<typeof Directive> {
  return Directive(`@cost(weight: ${calls})`);
}

/** Asked before every field that RequiresScope marks. What it throws says more than type-graphql's own refusal. */
export const checkScope: AuthCheckerFn<GraphQLContext, Scope> = ({ context: { caller } }, scopes) => {
  requireScope(caller, ...scopes);
  return true;
};
