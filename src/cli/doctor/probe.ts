import { explainConnectionFailure } from "../../connection-failures.ts";
import type { GatewayConnection } from "../gateway-connection.ts";
import { innerErrorOf, isRecord, type ReceivedError, toReceivedError } from "./compare-errors.ts";

/** Sends a change that changes nothing. Follows no redirect: a redirect could send the token to another host. */
export async function sendProbe(target: GatewayConnection, field: ProbedField): Promise<Answer> {
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
export type Answer =
  | { readonly kind: "reply"; readonly value: unknown; readonly errors: readonly ReceivedError[] }
  | { readonly kind: "none"; readonly why: string };

/** Parses a router's reply to a probe of this field. */
function readAnswer(status: number, text: string, field: ProbedField): Answer {
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

function none(why: string): Answer {
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
