import { refusals } from "../refusals.ts";
import type { ApiCall } from "./api-call.ts";

const REGION = /^[a-z]{2}-[a-z]+(-[a-z0-9]+)*$/;

/** CAM has no regions and ignores a good one, but the vendor's gateway refuses what is none. */
export function refuseRegion(call: ApiCall, nullRegion: "accept" | "refuse"): void {
  const { region } = call;
  if (region === undefined || REGION.test(region)) return;
  if (region === "null" && nullRegion === "accept") return;
  throw refusals.parameterValue(call.proof.scheme === "TC3-HMAC-SHA256" ? "X-TC-Region" : "Region");
}
