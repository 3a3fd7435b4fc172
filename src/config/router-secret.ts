import type { CredentialSource } from "../cam/index.ts";
import { Secret } from "../secret.ts";
import type { Variables } from "./variables.ts";

/** Fewer could be tried out. */
export const SHORTEST_ROUTER_SECRET = 32;

export const CANNOT_BE_SENT = "has a letter in it, or a space around it, that no header could carry";

/** What else is written into a header comes out of it as something else, and the router would be let in never. */
export function canBeSent(secret: string): boolean {
  return /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/.test(secret);
}

/** By value or by file. Adds to `problems` what is wrong. */
export function routerSecret(vars: Variables, problems: string[]): CredentialSource | undefined {
  const { ROUTER_SECRET: value, ROUTER_SECRET_FILE: file } = vars;
  if (value !== undefined && file !== undefined) {
    problems.push("Set only one of ROUTER_SECRET and ROUTER_SECRET_FILE.");
  }
  if (value !== undefined && value.length < SHORTEST_ROUTER_SECRET) {
    problems.push(`ROUTER_SECRET must have at least ${SHORTEST_ROUTER_SECRET} characters.`);
  } else if (value !== undefined && !canBeSent(value)) {
    problems.push(`ROUTER_SECRET ${CANNOT_BE_SENT}.`);
  }
  if (file !== undefined) return { file };
  return value === undefined ? undefined : { value: new Secret(value) };
}
