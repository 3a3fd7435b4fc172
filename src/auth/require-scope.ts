import { GatewayError } from "../contract/index.ts";
import { ANONYMOUS, type Caller } from "./caller.ts";
import type { Scope } from "./scope.ts";

/** @throws GatewayError UNAUTHENTICATED or FORBIDDEN, which names the scope, unless the caller has it. */
export function requireScope(caller: Caller, scope: Scope): void {
  if (caller.scopes.has(scope)) return;
  const code = caller === ANONYMOUS ? "UNAUTHENTICATED" : "FORBIDDEN";
  throw new GatewayError(code, { hint: `It needs the scope ${scope}.` });
}
