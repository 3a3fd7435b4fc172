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
