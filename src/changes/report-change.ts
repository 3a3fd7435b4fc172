import type { Clock } from "../clock.ts";
import type { Run } from "./change-runner.ts";
import { failureFactsOf } from "./failure-facts.ts";
import type { ChangeObserver, MfaChangeOutcome, MfaChangeReport } from "./mfa-change.ts";

/** Tells the observer what a request for a change, or for its approval, came to. */
export async function reportChange(
  { clock, observer }: { readonly clock: Clock; readonly observer?: ChangeObserver | undefined },
  { request, context, progress }: Run,
  work: () => Promise<MfaChangeOutcome>,
  approves?: MfaChangeReport["approves"],
): Promise<MfaChangeOutcome> {
  const beganMs = clock.monotonic();
  const result = await work().then(
    (outcome) => ({ outcome }),
    (error: unknown) => ({ error, facts: failureFactsOf(error) }),
  );
  const changeId = "outcome" in result ? result.outcome.changeId : result.facts?.changeId;
  const durationMs = clock.monotonic() - beganMs;
  const { shared, flagSets } = progress;
  observer?.onChange({ request, context, approves, shared, flagSets, changeId, result, durationMs });
  if ("outcome" in result) return result.outcome;
  throw result.error;
}
