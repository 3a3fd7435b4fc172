import { Directive } from "type-graphql";

export type Scope = "cam.mfa:read" | "cam.mfa:write" | "cam.audit:read" | "cam.quota:read";

/**
 * Tells a router that a field is only for callers who have proved who they are and whose token has this scope. The
 * gateway itself looks at no token yet, and therefore listens on loopback alone.
 */
export function RequiresScope(scope: Scope): (prototype: object, field: string) => void {
  const directives = [Directive(`@requiresScopes(scopes: [["${scope}"]])`), Directive("@authenticated")];
  // Whatever is applied last is printed first.
  return (prototype, field) => {
    for (const apply of directives) apply(prototype, field);
  };
}
