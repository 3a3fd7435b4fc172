import { GatewayError } from "../contract/index.ts";

/** What a caller may be allowed to do. */
export const SCOPES = [
  "cam.mfa:read",
  "cam.mfa:write",
  // Changes users whom the policy protects, for a reason.
  "cam.mfa:override",
  // Approves or rejects what others have asked for, where the policy wants two people.
  "cam.mfa:approve",
  "cam.audit:read",
  "cam.quota:read",
  // Lets callers go on whom the bulk guard has paused.
  "cam.callers:resume",
] as const;

export type Scope = (typeof SCOPES)[number];

export function isScope(value: unknown): value is Scope {
  return SCOPES.some((scope) => scope === value);
}

/** Who is asking, as logs and records name them. */
export interface CallerIdentity {
  readonly subject: string;
  /** The program that acts for the subject. */
  readonly client?: string | undefined;
  /** Who vouches for both. */
  readonly issuer?: string | undefined;
}

/** Who is asking, and what they may do. */
export interface Caller extends CallerIdentity {
  readonly scopes: ReadonlySet<Scope>;
}

/** The development caller of local mode, who may do everything: the reason why local mode listens on loopback alone. */
export const LOCAL_CALLER: Caller = Object.freeze({ subject: "local", scopes: new Set(SCOPES) });

/** Whoever brings no proof. They may ask for what is public. */
export const ANONYMOUS: Caller = Object.freeze({ subject: "anonymous", scopes: new Set<Scope>() });

/** @throws GatewayError UNAUTHENTICATED or FORBIDDEN, which names the scopes, unless the caller has one of them. */
export function requireScope(caller: Caller, ...scopes: readonly Scope[]): void {
  if (scopes.some((scope) => caller.scopes.has(scope))) return;
  const code = caller === ANONYMOUS ? "UNAUTHENTICATED" : "FORBIDDEN";
  throw new GatewayError(code, { hint: `This field needs the scope ${scopes.join(" or ")}.` });
}
