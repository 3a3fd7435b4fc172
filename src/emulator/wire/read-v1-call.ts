import { CamRefusal } from "../cam-refusal.ts";
import { refusals } from "../refusals.ts";
import type { ApiCall, V1Proof } from "./api-call.ts";
import { parseLanguage, parseTimestamp } from "./common-parameters.ts";
import type { WireObject } from "./exact-json.ts";
import { parseForm, unflatten } from "./form-parameters.ts";
import { headerValue, type ReceivedRequest } from "./received-request.ts";

const COMMON = new Set([
  ..."Action Version Timestamp Nonce SecretId Signature SignatureMethod".split(" "),
  ..."Region Token Language RequestClient".split(" "),
]);

/** A call of the old kind: everything, signature included, is a parameter in the query or the form. */
export function readV1Call(request: ReceivedRequest): ApiCall {
  const all = receivedParameters(request);
  const required = (name: string) => {
    const value = all.get(name);
    if (!value) throw refusals.missingParameter(name);
    return value;
  };
  const action = required("Action");
  const version = required("Version");
  const timestamp = parseTimestamp(required("Timestamp"), "Timestamp");
  if (!/^\d+$/.test(required("Nonce"))) throw refusals.parameterValue("Nonce");
  const secretId = required("SecretId");
  const signature = required("Signature");
  const signed = new Map(all);
  signed.delete("Signature");
  return {
    action,
    version,
    timestamp,
    secretId,
    token: all.get("Token"),
    region: all.get("Region"),
    language: parseLanguage(all.get("Language")),
    proof: { scheme: signatureMethod(all.get("SignatureMethod")), signature, signed },
    format: "flat",
    parameters: businessParameters(all),
  };
}

function receivedParameters(request: ReceivedRequest): Map<string, string> {
  const mediaType = headerValue(request, "content-type")?.split(";")[0]?.trim().toLowerCase();
  const isForm = request.method === "POST" && mediaType === "application/x-www-form-urlencoded";
  // Joined before parsing, so that a name in both places is a repeated name.
  return parseForm([request.query, isForm ? request.body.toString("latin1") : ""].join("&"));
}

function signatureMethod(name: string | undefined): V1Proof["scheme"] {
  if (name === undefined || name === "HmacSHA1") return "HmacSHA1";
  if (name === "HmacSHA256") return "HmacSHA256";
  throw refusals.parameterValue("SignatureMethod");
}

function businessParameters(all: ReadonlyMap<string, string>): WireObject | CamRefusal {
  try {
    return unflatten(new Map([...all].filter(([name]) => !COMMON.has(name))));
  } catch (error) {
    if (error instanceof CamRefusal) return error;
    throw error;
  }
}
