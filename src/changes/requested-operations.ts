import type { Protection, Switch } from "../auth/policy/policy.ts";
import type { MfaChangeRequest } from "./mfa-change.ts";

/** What a request asks for, one switch at a time. Accepting that other methods may be lost is switching them off. */
export function requestedOperations(request: MfaChangeRequest): readonly Switch[] {
  return (["login", "action"] as const).flatMap((protection) => switchesOf(protection, request));
}

function switchesOf(protection: Protection, request: MfaChangeRequest): Switch[] {
  const switches: Switch[] = [];
  for (const method of ["phone", "stoken", "wechat"] as const) {
    const wanted = request[protection]?.[method];
    if (wanted !== undefined) switches.push(`${protection}.${method}.${wanted ? "on" : "off"}`);
  }
  if (switches.length > 0 && request.overwriteOtherMethods) switches.push(`${protection}.other.off`);
  return switches;
}
