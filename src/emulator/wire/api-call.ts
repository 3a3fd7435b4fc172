import type { CamRefusal, Language } from "../cam-refusals.ts";
import type { Tc3Authorization } from "../signature/tc3-parts.ts";
import type { WireObject } from "./wire-json.ts";

/** A parsed request that is not authenticated yet. */
export interface ApiCall {
  action: string;
  version: string;
  /** Unix seconds, as signed. */
  timestamp: number;
  /** Empty for a call that is not signed. */
  secretId: string;
  token: string | undefined;
  region: string | undefined;
  language: Language;
  proof: Tc3Proof | V1Proof | NoProof;
  /** `flat` values are all strings and are coerced; `json` values must have the right type. */
  format: "json" | "flat";
  /** As at the vendor, unreadable parameters are reported only after authentication. */
  parameters: WireObject | CamRefusal;
}

export interface Tc3Proof {
  scheme: "TC3-HMAC-SHA256";
  authorization: Tc3Authorization;
}

/** `Authorization: SKIP`, for the action that issues keys to callers without one. */
export interface NoProof {
  scheme: "SKIP";
}

export interface V1Proof {
  scheme: "HmacSHA1" | "HmacSHA256";
  signature: string;
  /** Every parameter of the request but Signature, decoded. */
  signed: ReadonlyMap<string, string>;
}
