import type { CamRefusal, Language } from "../cam-refusals.ts";
import type { Tc3Authorization } from "../signature/tc3-parts.ts";
import type { WireObject } from "./wire-json.ts";

/** What a request claims to be, read but not yet believed. */
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
  /** Unreadable parameters are reported only after the caller has proved who it is, as the vendor's gateway does. */
  parameters: WireObject | CamRefusal;
}

export interface Tc3Proof {
  scheme: "TC3-HMAC-SHA256";
  authorization: Tc3Authorization;
}

/** `Authorization: SKIP`, for the one action that gives a key to callers that have none. */
export interface NoProof {
  scheme: "SKIP";
}

export interface V1Proof {
  scheme: "HmacSHA1" | "HmacSHA256";
  signature: string;
  /** Every parameter of the request but Signature, decoded. */
  signed: ReadonlyMap<string, string>;
}
