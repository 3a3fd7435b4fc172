import type { AuthCheckerFn } from "type-graphql";
import type { Scope } from "../auth/caller.ts";
import { requireScope } from "../auth/caller.ts";
import type { GraphQLContext } from "./context.ts";

/** Asked before every field that RequiresScope marks. What it throws says more than type-graphql's own refusal. */
export const checkScope: AuthCheckerFn<GraphQLContext, Scope> = ({ context: { caller } }, scopes) => {
  requireScope(caller, ...scopes);
  return true;
};
