import { isDeepStrictEqual } from "node:util";
import { explainConnectionFailure } from "../../connection-failures.ts";
import type { CamErrorExtensionKey } from "../../contract/index.ts";
import type { GatewayConnection } from "../gateway-connection.ts";
import type { Fate } from "./router-guides.ts";

/** Sends a change that changes nothing. Follows no redirect: a redirect could send the token to another host. */
export async function sendProbe(target: GatewayConnection, field: ProbedField): Promise<ProbeReply> {
  const { url, headers, timeoutMs } = target;
  try {
    const response = await fetch(url, {
      method: "POST",
      redirect: "manual",
      headers: { "content-type": "application/json", "x-request-id": PROBE_REQUEST_ID, ...headers },
      body: JSON.stringify({ query: PROBE_OPERATIONS[field] }),
      signal: AbortSignal.timeout(timeoutMs),
    });
    return readAnswer(response.status, await response.text(), field);
  } catch (error) {
    return { kind: "none", why: whyNoReply(error, timeoutMs) };
  }
}

function whyNoReply(error: unknown, timeoutMs: number): string {
  const { name, cause } = error as Error;
  if (name === "TimeoutError") return `No answer arrived within ${timeoutMs / 1000} s.`;
  const failure = explainConnectionFailure(cause);
  return failure === undefined
    ? "It cannot be reached."
    : `It cannot be reached (${failure.cause}). ${failure.why}`;
}

/**
 * The user of the probe, who need not exist. The gateway refuses a change without login and action before it reads the
 * user.
 */
export const PROBED_USER = "100000000001";

/** Identifies the probe in the gateway's log, and shows whether a router forwards the header. */
export const PROBE_REQUEST_ID = "cam-gateway-doctor";

export type ProbedField = "setSubUserMfa" | "trySetSubUserMfa";

/** The gateway refuses both with NOTHING_TO_CHANGE. */
const PROBE_OPERATIONS: Readonly<Record<ProbedField, string>> = {
  setSubUserMfa: `mutation CamGatewayDoctor { setSubUserMfa(opUin: "${PROBED_USER}") { requestId } }`,
  trySetSubUserMfa: `mutation CamGatewayDoctor {
  trySetSubUserMfa(opUin: "${PROBED_USER}") {
    __typename
    ... on CamFailure {
      code category message retryable retryAfterMs camCode camAction camRequestId changeId expiresAt requestId
    }
  }
}`,
};

/** A GraphQL reply, or a sentence with the reason for its absence. */
export type ProbeReply =
  | { readonly kind: "reply"; readonly value: unknown; readonly errors: readonly ReceivedError[] }
  | { readonly kind: "none"; readonly why: string };

/** Parses a router's reply to a probe of this field. */
function readAnswer(status: number, text: string, field: ProbedField): ProbeReply {
  if (status === 401 || status === 403) {
    return none(
      `It answers HTTP ${status}: the login is missing or not accepted. Use --header 'authorization: Bearer ...'.`,
    );
  }
  const body = parseJson(text);
  if (!isRecord(body) || !("data" in body || Array.isArray(body["errors"]))) {
    return none(`It answers HTTP ${status} with something that is not GraphQL. Is that its GraphQL address?`);
  }
  const data = isRecord(body["data"]) ? body["data"] : {};
  const errors = Array.isArray(body["errors"]) ? body["errors"].map(toReceivedError) : [];
  if (errors.length > 0 && errors.every((error) => isOfValidation(error, field))) {
    return none(
      `The composed schema has no ${field} like the gateway's. Compose it again with schema/subgraph.graphql.`,
    );
  }
  const value = data[field];
  if (errors.length === 0 && value === undefined && body["data"] !== null) {
    return none(`It answers HTTP ${status} without ${field} and without an error.`);
  }
  return { kind: "reply", value, errors };
}

function none(why: string): ProbeReply {
  return { kind: "none", why };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether the router refused the operation in validation. An execution error, or its inner error, has a path. */
function isOfValidation(error: ReceivedError, field: ProbedField): boolean {
  if (error.path !== undefined || innerErrorOf(error) !== undefined) return false;
  const { message, extensions } = error;
  return (
    /VALIDATION/i.test(String(extensions["code"])) ||
    (typeof message === "string" && (message.includes(field) || /\bmutations?\b/i.test(message)))
  );
}

/** The fate of one part of an error. */
export interface Finding {
  /** `message`, `path` or `extensions.<key>`; for a CamFailure the field's name. */
  readonly part: string;
  readonly fate: Fate;
  /** The new place of the value, or the value that replaced it. */
  readonly now?: string;
}

/** The error that the gateway sends for a probe. Any `requestId` matches. */
export interface ExpectedError {
  readonly message: string;
  readonly extensions: Readonly<Partial<Record<CamErrorExtensionKey, unknown>>>;
}

/** An error of a GraphQL reply. Routers may leave out any part of it. */
export interface ReceivedError {
  readonly message?: unknown;
  readonly path?: unknown;
  readonly extensions: Readonly<Record<string, unknown>>;
}

/** Compares a received thrown error with the gateway's. Without a received error, every part is lost. */
export function compareThrown(
  received: ReceivedError | undefined,
  expected: ExpectedError,
  path: readonly string[],
): Finding[] {
  const outer = received ?? { extensions: {} };
  const inner = innerErrorOf(outer);
  const isMessage = (value: unknown) => typeof value === "string" && value.includes(expected.message);
  const isPath = (value: unknown) => isDeepStrictEqual(value, path);
  return [
    judge("message", isMessage, outer.message, inner?.message),
    judge("path", isPath, outer.path, inner?.path),
    ...Object.entries(expected.extensions).map(([key, value]) => {
      const isValue = (found: unknown) => isSame(key, value, found);
      const finding = judge(`extensions.${key}`, isValue, outer.extensions[key], inner?.extensions[key]);
      return finding.fate === "lost" ? (renamed(outer, key, value) ?? finding) : finding;
    }),
  ];
}

/** Compares a received CamFailure with the gateway's. */
export function compareData(value: unknown, { message, extensions }: ExpectedError): Finding[] {
  const failure = isRecord(value) ? value : {};
  const { code, category, retryable } = extensions;
  const expected = { code, category, message, retryable, requestId: "" };
  return Object.entries(expected).map(([key, wanted]) =>
    judge(key, (found) => isSame(key, wanted, found), failure[key]),
  );
}

function judge(part: string, isKept: (value: unknown) => boolean, outer: unknown, inner?: unknown): Finding {
  if (isKept(outer)) return { part, fate: "kept" };
  if (isKept(inner)) return { part, fate: "nested", now: `extensions.errors[0].${part}` };
  return outer === undefined || outer === null
    ? { part, fate: "lost" }
    : { part, fate: "replaced", now: JSON.stringify(outer) };
}

/** Finds a value under another key. Only a text is specific enough to recognise there. */
function renamed({ extensions }: ReceivedError, key: string, value: unknown): Finding | undefined {
  if (typeof value !== "string" || value === "") return undefined;
  const [other] = Object.entries(extensions).find(([, found]) => found === value) ?? [];
  return other === undefined
    ? undefined
    : { part: `extensions.${key}`, fate: "renamed", now: `extensions.${other}` };
}

/** Compares two values. Accepts any request id, because each request has its own. */
function isSame(key: string, expected: unknown, found: unknown): boolean {
  return key === "requestId" ? typeof found === "string" && found !== "" : isDeepStrictEqual(expected, found);
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function toReceivedError(value: unknown): ReceivedError {
  if (!isRecord(value)) return { extensions: {} };
  return { ...value, extensions: isRecord(value["extensions"]) ? value["extensions"] : {} };
}

/** Returns the error that a router put inside this one, as Cosmo does. */
export function innerErrorOf({ extensions }: ReceivedError): ReceivedError | undefined {
  const { errors } = extensions;
  return Array.isArray(errors) && errors.length > 0 ? toReceivedError(errors[0]) : undefined;
}
