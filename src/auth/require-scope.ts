import { GatewayError } from "../contract/index.ts";
import { ANONYMOUS, type Caller } from "./caller.ts";
import type { Scope } from "./scope.ts";

/** @throws GatewayError UNAUTHENTICATED or FORBIDDEN, which names the scopes, unless the caller has one of them. */
export function requireScope(caller: Caller, ...scopes: readonly Scope[]): void {
  if (scopes.some((scope) => caller.scopes.has(scope))) return;
  const code = caller === ANONYMOUS ? "UNAUTHENTICATED" : "FORBIDDEN";
  throw new GatewayError(code, { hint: `This field needs the scope ${scopes.join(" or ")}.` });
}
