import type { CredentialSource } from "../cam/index.ts";
import { Secret } from "../secret.ts";
import type { Variables } from "./variables.ts";

/** Fewer could be tried out. */
export const SHORTEST_ROUTER_SECRET = 32;

/** By value or by file. Adds to `problems` what is wrong. */
export function routerSecret(vars: Variables, problems: string[]): CredentialSource | undefined {
  const { ROUTER_SECRET: value, ROUTER_SECRET_FILE: file } = vars;
  if (value !== undefined && file !== undefined) {
    problems.push("Set only one of ROUTER_SECRET and ROUTER_SECRET_FILE.");
  }
  if (value !== undefined && value.length < SHORTEST_ROUTER_SECRET) {
    problems.push(`ROUTER_SECRET must have at least ${SHORTEST_ROUTER_SECRET} characters.`);
  }
  if (file !== undefined) return { file };
  return value === undefined ? undefined : { value: new Secret(value) };
}
