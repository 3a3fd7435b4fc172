/** What a caller may be allowed to do. */
export const SCOPES = [
  "cam.mfa:read",
  "cam.mfa:write",
  // Changes users whom the policy protects, for a reason.
  "cam.mfa:override",
  "cam.audit:read",
  "cam.quota:read",
] as const;

export type Scope = (typeof SCOPES)[number];

export function isScope(value: unknown): value is Scope {
  return SCOPES.some((scope) => scope === value);
}
