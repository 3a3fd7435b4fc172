import type { AuthCheckerFn } from "type-graphql";
import { requireScope } from "../auth/require-scope.ts";
import type { Scope } from "../auth/scope.ts";
import type { GraphQLContext } from "./context.ts";

/** Asked before every field that RequiresScope marks. What it throws says more than type-graphql's own refusal. */
export const checkScope: AuthCheckerFn<GraphQLContext, Scope> = ({ context: { caller } }, scopes) => {
  requireScope(caller, ...scopes);
  return true;
};
