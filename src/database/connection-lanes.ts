/** How many connections each kind of work has for itself. */
export interface ConnectionShares {
  readonly changes: number;
  readonly quota: number;
  readonly reads: number;
}

/** One for each kind of work. */
export const FEWEST_CONNECTIONS = 3;
export const DEFAULT_CONNECTIONS = 10;

/**
 * Shares connections out: a fifth for the quota, half of the rest for reads, and the rest for changes. Each has one at
 * least: 10 are 4 for changes, 2 for the quota and 4 for reads.
 */
export function shareConnections(total: number): ConnectionShares {
  const quota = Math.max(1, Math.floor(total / 5));
  const reads = Math.floor((total - quota) / 2);
  return { changes: total - quota - reads, quota, reads };
}
