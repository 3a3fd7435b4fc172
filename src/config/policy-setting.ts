import type { Variables } from "./variables.ts";

/** The least that says something, for whoever has none yet. */
export const MINIMAL_POLICY =
  '{"rules": [{"id": "portal", "effect": "allow", "callers": {"clients": ["portal"]}}]}';

/** Where it stands who may change whom. Server mode allows nobody what no rule allows, so it needs one. */
export function policySetting(
  { POLICY_FILE: file }: Variables,
  mode: "local" | "server",
  problems: string[],
): string | undefined {
  if (mode === "server" && file === undefined) {
    problems.push(
      "POLICY_FILE is not set: the file that says who may change whom (docs/iam/policy.md). The least it can say, if a " +
        `client portal may change every user: ${MINIMAL_POLICY}`,
    );
  }
  return file;
}
