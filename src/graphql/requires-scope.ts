import { Authorized, Directive } from "type-graphql";
import type { Scope } from "../auth/scope.ts";

/**
 * Keeps a field for callers who have proved who they are and who have this scope: here, whoever asks, and by
 * directives at a router, which so need not ask in vain.
 */
export function RequiresScope(scope: Scope): (prototype: object, field: string) => void {
  const directives = [Directive(`@requiresScopes(scopes: [["${scope}"]])`), Directive("@authenticated")];
  return (prototype, field) => {
    Authorized<Scope>(scope)(prototype, field);
    // Whatever is applied last is printed first.
    for (const apply of directives) apply(prototype, field);
  };
}
