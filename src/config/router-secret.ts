import { problemOfRouterSecret } from "../auth/router-secret.ts";
import { Secret, type SecretSource } from "../secret.ts";
import type { Variables } from "./variables.ts";

/** By value or by file. Adds to `problems` what is wrong. */
export function routerSecret(vars: Variables, problems: string[]): SecretSource | undefined {
  const { ROUTER_SECRET: value, ROUTER_SECRET_FILE: file } = vars;
  if (value !== undefined && file !== undefined) {
    problems.push("Set only one of ROUTER_SECRET and ROUTER_SECRET_FILE.");
  }
  const problem = value === undefined ? undefined : problemOfRouterSecret(value);
  if (problem !== undefined) problems.push(`ROUTER_SECRET ${problem}.`);
  if (file !== undefined) return { file };
  return value === undefined ? undefined : { value: new Secret(value) };
}
