import type { Finding } from "./compare-thrown.ts";
import type { ExpectedError } from "./expected-error.ts";
import { isRecord } from "./received-error.ts";

/** Compares a CamFailure as it arrived with what the gateway sends. */
export function compareData(value: unknown, { message, extensions }: ExpectedError): Finding[] {
  const failure = isRecord(value) ? value : {};
  const { code, category, retryable } = extensions;
  const expected = { code, category, message, retryable };
  const found = Object.entries(expected).map(([key, wanted]) =>
    judge(key, failure[key], failure[key] === wanted),
  );
  const requestId = failure["requestId"];
  return [...found, judge("requestId", requestId, typeof requestId === "string" && requestId !== "")];
}

function judge(part: string, value: unknown, isKept: boolean): Finding {
  if (isKept) return { part, fate: "kept" };
  return value === undefined || value === null
    ? { part, fate: "lost" }
    : { part, fate: "replaced", now: JSON.stringify(value) };
}
