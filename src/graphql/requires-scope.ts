import { Authorized, Directive } from "type-graphql";
import type { Scope } from "../auth/caller.ts";

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
