/** How long a key that has no end is used before its place is looked at again, so that a rotated one is noticed. */
const LOOK_AGAIN_AFTER_MS = 60_000;

/** A temporary key is renewed when this part of its life is left, */
const RENEW_EARLY = 0.2;
/** and up to this part earlier, so that replicas that began together do not ask together. */
const JITTER = 0.1;

/** After a failure the next try waits for this part of what is left, and never less than a second. */
const RETRY_PART = 0.1;
const MIN_PAUSE_MS = 1_000;

/**
 * After how long a loaded key's place is asked again. Counted from what is left and not from the whole life, so
 * that a place that goes on giving the same key is asked more often towards its end.
 */
export function refreshInMs(leftMs: number | undefined, chance: number): number {
  if (leftMs === undefined) return LOOK_AGAIN_AFTER_MS;
  return Math.max(MIN_PAUSE_MS, leftMs * (1 - RENEW_EARLY - JITTER * chance));
}

/** After how long a refresh that failed is tried again, while the old key is still good. */
export function retryInMs(leftMs: number | undefined): number {
  return Math.max(MIN_PAUSE_MS, (leftMs ?? LOOK_AGAIN_AFTER_MS) * RETRY_PART);
}
