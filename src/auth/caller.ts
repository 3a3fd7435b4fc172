import { GatewayError } from "../contract/index.ts";

/** The rights that a token can grant to a caller. */
export const SCOPES = [
  "cam.mfa:read",
  "cam.mfa:write",
  // Changes users that the policy protects. Such a change needs a reason.
  "cam.mfa:override",
  // Approves or rejects changes of other callers, where the policy demands two people.
  "cam.mfa:approve",
  // Lists the users of all accounts, with what the gateway knows about them.
  "cam.directory:read",
  // Requests, pauses and resumes scans of the directory.
  "cam.directory:scan",
  // Shows rollouts, for callers who may use all of their accounts.
  "cam.rollout:read",
  // Plans rollouts, and controls those that run. The start of a plan needs cam.mfa:write.
  "cam.rollout:write",
  "cam.audit:read",
  "cam.quota:read",
  // Resumes callers that the bulk guard has paused.
  "cam.callers:resume",
] as const;

export type Scope = (typeof SCOPES)[number];

export function isScope(value: unknown): value is Scope {
  return SCOPES.some((scope) => scope === value);
}

/** The names of a caller in logs and records. */
export interface CallerIdentity {
  readonly subject: string;
  /** The program that acts for the subject. */
  readonly client?: string | undefined;
  /** The issuer of the token. Without a token, the authentication method. */
  readonly issuer?: string | undefined;
}

export interface Caller extends CallerIdentity {
  readonly scopes: ReadonlySet<Scope>;
}

/** The development caller of local mode. It has every scope, so local mode listens on loopback only. */
export const LOCAL_CALLER: Caller = Object.freeze({ subject: "local", scopes: new Set(SCOPES) });

/** The caller of a request without a token or certificate. It may use public fields. */
export const ANONYMOUS: Caller = Object.freeze({ subject: "anonymous", scopes: new Set<Scope>() });

/**
 * Requires one of the scopes.
 * @throws GatewayError UNAUTHENTICATED for the anonymous caller, FORBIDDEN for any other. The hint names the scopes.
 */
export function requireScope(caller: Caller, ...scopes: readonly Scope[]): void {
  if (scopes.some((scope) => caller.scopes.has(scope))) return;
  const code = caller === ANONYMOUS ? "UNAUTHENTICATED" : "FORBIDDEN";
  const needed = scopes.join(" or ");
  throw new GatewayError(code, { hint: `This field needs the scope ${needed}.`, rule: `scope ${needed}` });
}
