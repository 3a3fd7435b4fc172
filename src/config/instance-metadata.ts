import { type CredentialSettings, isRoleName, METADATA_ORIGIN } from "../cam/index.ts";
import type { Variables } from "./variables.ts";

/** Plain http is right for an address that never leaves the machine, and for no other. */
const LOOPBACK_ORIGIN = /^http:\/\/(127\.0\.0\.1|\[::1\]|localhost)(:\d+)?$/;

/** The role of the instance, where one of its two variables asks for it. Adds to `problems` what is wrong. */
export function instanceMetadata(vars: Variables, problems: string[]): CredentialSettings["metadata"] {
  const { TENCENTCLOUD_CAM_ROLE_NAME: roleName, CAM_METADATA_ENDPOINT: endpoint } = vars;
  if (roleName === undefined && endpoint === undefined) return undefined;
  if (roleName !== undefined && !isRoleName(roleName)) {
    problems.push("TENCENTCLOUD_CAM_ROLE_NAME must be letters, digits and any of + = , . @ _ -.");
  }
  const origin = endpoint?.replace(/\/$/, "") ?? METADATA_ORIGIN;
  if (origin !== METADATA_ORIGIN && !LOOPBACK_ORIGIN.test(origin)) {
    problems.push(`CAM_METADATA_ENDPOINT must be ${METADATA_ORIGIN}, or an http address of this machine.`);
  }
  return { origin, ...(roleName !== undefined && { roleName }) };
}
