import { CamRefusal, type Language, refusals } from "../cam-refusals.ts";
import { parseTc3Authorization, type Tc3Authorization } from "../signature/tc3-parts.ts";
import { BODY_LIMIT_BYTES, headerValue, type ReceivedRequest } from "./received-request.ts";
import { parseExactJson, type WireObject, type WireValue } from "./wire-json.ts";

const GET_LIMIT_BYTES = 32 * 1024;
const V1_BODY_LIMIT_BYTES = 1024 * 1024;
const TC3_HEADERS = ["authorization", "x-tc-action", "x-tc-version", "x-tc-timestamp"];

/** Checks the method and the size, then reads the common parameters of the signature scheme. */
export function readCall(request: ReceivedRequest): ApiCall {
  if (request.method !== "GET" && request.method !== "POST") throw refusals.unsupportedProtocol();
  if (request.method === "GET" && request.targetBytes > GET_LIMIT_BYTES) throw refusals.requestTooLarge();
  const isTc3 = TC3_HEADERS.some((name) => headerValue(request, name) !== undefined);
  if (isTc3) {
    if (request.bodyBytes > BODY_LIMIT_BYTES) throw refusals.requestTooLarge();
    return readTc3Call(request);
  }
  if (request.bodyBytes > V1_BODY_LIMIT_BYTES) throw refusals.requestTooLargeForV1();
  return readV1Call(request);
}

const UNIX_SECONDS = /^\d{1,11}$/;

function parseTimestamp(text: string, parameter: string): number {
  if (!UNIX_SECONDS.test(text)) throw refusals.parameterValue(parameter);
  return Number(text);
}

/** The vendor's default is zh-CN. The emulator's is en-US, like its documentation. */
function parseLanguage(text: string | undefined): Language {
  return text === "zh-CN" ? "zh-CN" : "en-US";
}

/** Returns the UTC date of a timestamp. A TC3 scope must have it. */
export function utcDate(unixSeconds: number): string {
  return new Date(unixSeconds * 1000).toISOString().slice(0, 10);
}

/** Reads a call with X-TC-* headers: JSON in a POST, a flattened query in a GET. */
function readTc3Call(request: ReceivedRequest): ApiCall {
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
    parameters: orRefusal(() => readParameters(request)),
  };
}

function readProof(text: string): Tc3Proof | NoProof {
  if (text === "SKIP") return { scheme: "SKIP" };
  const authorization = parseTc3Authorization(text);
  if (!authorization) throw refusals.invalidAuthorization();
  return { scheme: "TC3-HMAC-SHA256", authorization };
}

function readParameters(request: ReceivedRequest): WireObject {
  if (request.method === "GET") return unflatten(parseForm(request.query));
  const [strayParameter] = parseForm(request.query).keys();
  if (strayParameter !== undefined) throw refusals.unknownParameter(strayParameter);
  return readJsonBody(request);
}

/** Returns the parameters, or the refusal of unreadable ones. */
function orRefusal(read: () => WireObject): WireObject | CamRefusal {
  try {
    return read();
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

const COMMON = new Set([
  ..."Action Version Timestamp Nonce SecretId Signature SignatureMethod".split(" "),
  ..."Region Token Language RequestClient".split(" "),
]);

/** Reads a call of signature version 1: all values, the signature included, are parameters of the query or the form. */
function readV1Call(request: ReceivedRequest): ApiCall {
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
    parameters: orRefusal(() => unflatten(new Map([...all].filter(([name]) => !COMMON.has(name))))),
  };
}

function receivedParameters(request: ReceivedRequest): Map<string, string> {
  const mediaType = headerValue(request, "content-type")?.split(";")[0]?.trim().toLowerCase();
  const isForm = request.method === "POST" && mediaType === "application/x-www-form-urlencoded";
  // Joined before parsing, so that a name in both places counts as repeated.
  return parseForm([request.query, isForm ? request.body.toString("latin1") : ""].join("&"));
}

function signatureMethod(name: string | undefined): V1Proof["scheme"] {
  if (name === undefined || name === "HmacSHA1") return "HmacSHA1";
  if (name === "HmacSHA256") return "HmacSHA256";
  throw refusals.parameterValue("SignatureMethod");
}

/** Decodes `a=1&b.c=2`. Refuses broken percent-encoding and repeated names. */
function parseForm(text: string): Map<string, string> {
  const parameters = new Map<string, string>();
  for (const pair of text.split("&")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    const name = decode(equals < 0 ? pair : pair.slice(0, equals));
    if (parameters.has(name)) throw refusals.invalidParameter(`The parameter \`${name}\` is given twice.`);
    parameters.set(name, equals < 0 ? "" : decode(pair.slice(equals + 1)));
  }
  return parameters;
}

/** Turns `LoginFlag.Phone=1` and `Uins.0=..` into nested objects. All leaves are strings, because a form has no types. */
function unflatten(parameters: ReadonlyMap<string, string>): WireObject {
  const root = emptyObject();
  for (const [name, value] of parameters) {
    const steps = name.split(".");
    const leaf = steps.pop() ?? "";
    let node = root;
    for (const step of steps) {
      const next: WireValue = node[step] ?? emptyObject();
      if (typeof next !== "object" || next === null || Array.isArray(next))
        throw refusals.parameterType(name);
      node[step] = next;
      node = next;
    }
    if (leaf in node) throw refusals.parameterType(name);
    node[leaf] = value;
  }
  return root;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch (cause) {
    const refusal = refusals.invalidParameter("The request parameters are not percent-encoded UTF-8.");
    refusal.cause = cause;
    throw refusal;
  }
}

/** An object without a prototype, so that a parameter `__proto__` is an ordinary name. */
function emptyObject(): WireObject {
  return Object.create(null) as WireObject;
}

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

interface Tc3Proof {
  scheme: "TC3-HMAC-SHA256";
  authorization: Tc3Authorization;
}

/** `Authorization: SKIP`, for the action that issues keys to callers without one. */
interface NoProof {
  scheme: "SKIP";
}

export interface V1Proof {
  scheme: "HmacSHA1" | "HmacSHA256";
  signature: string;
  /** Every parameter of the request but Signature, decoded. */
  signed: ReadonlyMap<string, string>;
}
