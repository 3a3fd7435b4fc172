import { explainConnectionFailure } from "../../connection-failures.ts";
import { PROBE_OPERATIONS, PROBE_REQUEST_ID, type ProbedField } from "./probe-operation.ts";
import { type Answer, readAnswer } from "./read-answer.ts";

export interface Target {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
}

/** Asks for a change that changes nothing. Follows no redirect, which could carry the login elsewhere. */
export async function sendProbe(target: Target, field: ProbedField): Promise<Answer> {
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
  if (name === "TimeoutError") return `There was no answer within ${timeoutMs / 1000} s.`;
  const failure = explainConnectionFailure(cause);
  return failure === undefined
    ? "It cannot be reached."
    : `It cannot be reached (${failure.cause}). ${failure.why}`;
}
