import { expect } from "vitest";
import { compareThrown } from "../../../src/cli/doctor/compare-errors.ts";
import type { Fate, RouterId } from "../../../src/cli/doctor/router-guides.ts";
import { ROUTER_GUIDES } from "../../../src/cli/doctor/router-guides.ts";
import type { RouterSetting } from "../support/routers.ts";
import type { WireError } from "../support/wire-error.ts";

const KEPT = { message: "kept", code: "kept", otherKeys: "kept", path: "kept" } as const;

/**
 * Expects the errors behind a router as its guide describes: altered by default, complete with the documented
 * configuration.
 */
export function expectFates(
  router: RouterId,
  by: RouterSetting["by"],
  [arrived]: readonly WireError[],
  [sent]: readonly WireError[],
): void {
  if (by === "choice") return;
  const guide = ROUTER_GUIDES.find(({ id }) => id === router);
  const fates = by === "default" ? guide?.fates : KEPT;
  const received = arrived && { ...arrived, extensions: arrived.extensions ?? {} };
  const expected = { message: sent?.message ?? "", extensions: sent?.extensions ?? {} };
  for (const { part, fate } of compareThrown(received, expected, ["setSubUserMfa"])) {
    expect(fate, `${part} behind ${router}`).toBe(fateOf(part, fates));
  }
}

function fateOf(
  part: string,
  fates: Readonly<Record<keyof typeof KEPT, Fate>> | undefined,
): Fate | undefined {
  if (part === "message" || part === "path") return fates?.[part];
  return part === "extensions.code" ? fates?.code : fates?.otherKeys;
}
