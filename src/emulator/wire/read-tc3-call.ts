import { CamRefusal } from "../cam-refusal.ts";
import { refusals } from "../refusals.ts";
import { parseTc3Authorization } from "../signature/tc3-authorization.ts";
import type { ApiCall, NoProof, Tc3Proof } from "./api-call.ts";
import { parseLanguage, parseTimestamp } from "./common-parameters.ts";
import { parseExactJson, type WireObject } from "./exact-json.ts";
import { parseForm, unflatten } from "./form-parameters.ts";
import { headerValue, type ReceivedRequest } from "./received-request.ts";

/** A call whose common parameters are X-TC-* headers: JSON in a POST, a flattened query in a GET. */
export function readTc3Call(request: ReceivedRequest): ApiCall {
  const required = (header: string, parameter: string) => {
    const value = headerValue(request, header);
    if (!value) throw refusals.missingParameter(parameter);
    return value;
  };
  const action = required("x-tc-action", "Action");
  const version = required("x-tc-version", "Version");
  const timestamp = parseTimestamp(required("x-tc-timestamp", "Timestamp"), "X-TC-Timestamp");
  const proof = readProof(headerValue(request, "authorization") ?? "");
  return {
    action,
    version,
    timestamp,
    secretId: proof.scheme === "SKIP" ? "" : proof.authorization.secretId,
    token: headerValue(request, "x-tc-token"),
    region: headerValue(request, "x-tc-region"),
    language: parseLanguage(headerValue(request, "x-tc-language")),
    proof,
    format: request.method === "GET" ? "flat" : "json",
    parameters: readParameters(request),
  };
}

function readProof(text: string): Tc3Proof | NoProof {
  if (text === "SKIP") return { scheme: "SKIP" };
  const authorization = parseTc3Authorization(text);
  if (!authorization) throw refusals.invalidAuthorization();
  return { scheme: "TC3-HMAC-SHA256", authorization };
}

function readParameters(request: ReceivedRequest): WireObject | CamRefusal {
  try {
    if (request.method === "GET") return unflatten(parseForm(request.query));
    const [strayParameter] = parseForm(request.query).keys();
    if (strayParameter !== undefined) return refusals.unknownParameter(strayParameter);
    return readJsonBody(request);
  } catch (error) {
    if (error instanceof CamRefusal) return error;
    throw error;
  }
}

function readJsonBody(request: ReceivedRequest): WireObject {
  const mediaType = headerValue(request, "content-type")?.split(";")[0]?.trim().toLowerCase();
  if (mediaType !== "application/json") {
    throw refusals.unsupportedOperation(
      "A POST request signed with TC3-HMAC-SHA256 must be `application/json`.",
    );
  }
  let body: unknown;
  try {
    body = parseExactJson(new TextDecoder("utf-8", { fatal: true }).decode(request.body));
  } catch (cause) {
    const refusal = refusals.invalidParameter("The request body is not valid JSON.");
    refusal.cause = cause;
    throw refusal;
  }
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw refusals.invalidParameter("The request body is not a JSON object.");
  }
  return body as WireObject;
}
