import fc from "fast-check";
import { expect, test } from "vitest";
import { decideRetry, MAX_ATTEMPTS, type RetryQuestion } from "../../src/cam/attempt.ts";
import { CamError, type CamErrorKind } from "../../src/cam/cam-error.ts";

function errorOf(kind: CamErrorKind, camCode?: string): CamError {
  return new CamError({ kind, action: "SetMfaFlag", attempts: 1, ...(camCode && { camCode }) });
}

function decide(question: Partial<RetryQuestion> & Pick<RetryQuestion, "error">) {
  return decideRetry({ access: "read", attempt: 1, nowMs: 0, deadlineMs: 60_000, jitter: 0.5, ...question });
}

const YES = "retried";
const FINAL = "NOT_TRANSIENT";
const LOST = "OUTCOME_MUST_BE_RESOLVED";

const outcomes: [CamErrorKind, string | undefined, forRead: string, forWrite: string][] = [
  ["UNREACHABLE", undefined, YES, YES],
  ["TIMEOUT", undefined, YES, LOST],
  ["CONNECTION_LOST", undefined, YES, LOST],
  ["BAD_RESPONSE", undefined, YES, LOST],
  ["NO_CREDENTIAL", undefined, FINAL, FINAL],
  ["ABORTED", undefined, FINAL, FINAL],
  ["REFUSED", "RequestLimitExceeded", YES, YES],
  ["REFUSED", "RequestLimitExceeded.UinLimitExceeded", YES, YES],
  ["REFUSED", "RequestLimitExceeded.SomethingNew", YES, YES],
  ["REFUSED", "InternalError", YES, LOST],
  ["REFUSED", "InternalError.SystemError", YES, LOST],
  ["REFUSED", "ServiceUnavailable", YES, LOST],
  ["REFUSED", "LimitExceeded", FINAL, FINAL],
  ["REFUSED", "RequestLimitExceededX", FINAL, LOST],
  ["REFUSED", "InternalErrors", FINAL, LOST],
  ["REFUSED", "FailedOperation", FINAL, LOST],
  ["REFUSED", "FailedOperation.UserNotBindPhone", FINAL, FINAL],
  ["REFUSED", "ResourceNotFound.UserNotExist", FINAL, FINAL],
  ["REFUSED", "AuthFailure.SignatureExpire", FINAL, FINAL],
  ["REFUSED", "AuthFailure.SignatureFailure", FINAL, FINAL],
  ["REFUSED", "UnheardOf", FINAL, LOST],
  ["REFUSED", undefined, FINAL, LOST],
];

test.each(outcomes)("%s %s: a read is %s, a write %s", (kind, camCode, forRead, forWrite) => {
  const error = errorOf(kind, camCode);
  const verdict = (access: "read" | "write") => {
    const decision = decide({ error, access });
    return decision.retry ? YES : decision.because;
  };
  expect([verdict("read"), verdict("write")]).toEqual([forRead, forWrite]);
});

test.each([
  { attempt: 1, jitter: 0, delayMs: 0 },
  { attempt: 1, jitter: 0.5, delayMs: 50 },
  { attempt: 1, jitter: 0.999, delayMs: 100 },
  { attempt: 2, jitter: 0.5, delayMs: 100 },
  { attempt: 3, jitter: 0.5, delayMs: 200 },
])("after attempt $attempt with jitter $jitter, the wait is $delayMs ms", ({ attempt, jitter, delayMs }) => {
  expect(decide({ error: errorOf("UNREACHABLE"), attempt, jitter })).toEqual({ retry: true, delayMs });
});

test("the wait is between 0 and the doubled base", () => {
  const attempts = fc.integer({ min: 1, max: MAX_ATTEMPTS - 1 });
  const chances = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(attempts, chances, (attempt, jitter) => {
      const decision = decide({ error: errorOf("UNREACHABLE"), attempt, jitter });
      expect(decision).toMatchObject({ retry: true });
      const { delayMs } = decision as { delayMs: number };
      expect(delayMs).toBeGreaterThanOrEqual(0);
      expect(delayMs).toBeLessThanOrEqual(100 * 2 ** (attempt - 1));
    }),
  );
});

test("a call has four attempts", () => {
  const error = errorOf("UNREACHABLE");
  expect(decide({ error, attempt: 3 })).toMatchObject({ retry: true });
  expect(decide({ error, attempt: 4 })).toEqual({ retry: false, because: "ATTEMPTS_USED_UP" });
});

test.each([
  { nowMs: 0, deadlineMs: 51, retry: true },
  { nowMs: 0, deadlineMs: 50, retry: false },
  { nowMs: 100, deadlineMs: 100, retry: false },
  { nowMs: 200, deadlineMs: 100, retry: false },
])("with a wait of 50 ms at $nowMs and a deadline at $deadlineMs, retry is $retry", (row) => {
  const { retry, ...time } = row;
  const decision = decide({ error: errorOf("UNREACHABLE"), ...time });
  expect(decision).toEqual(retry ? { retry, delayMs: 50 } : { retry, because: "NO_TIME_LEFT" });
});

test("a failure that must never be retried has its own reason, even without time or attempts left", () => {
  const error = errorOf("TIMEOUT");
  const decision = decide({ error, access: "write", attempt: MAX_ATTEMPTS, deadlineMs: 0 });
  expect(decision).toEqual({ retry: false, because: "OUTCOME_MUST_BE_RESOLVED" });
});

test("a call with one attempt is not retried, even after a transient failure", () => {
  expect(decide({ error: errorOf("TIMEOUT"), maxAttempts: 1 })).toEqual({
    retry: false,
    because: "ATTEMPTS_USED_UP",
  });
});
