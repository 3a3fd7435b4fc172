/** How one action of CAM stands to its limit. */
export interface ActionQuota {
  readonly action: string;
  /** Calls a second that CAM takes. */
  readonly ratePerSecond: number;
  /** In which that many calls are made: a second and a guard, and more after a throttle. */
  readonly windowMs: number;
  /** Calls of all replicas in the window that ends now. */
  readonly used: number;
  /** Calls that wait for a slot in this replica. */
  readonly queued: number;
  /** When the next free slot comes; 0 where one is free. */
  readonly nextSlotInMs: number;
  /** CAM throttled a call lately, and the window is still wider for it. */
  readonly throttledRecently: boolean;
  /** False while the database is away: then the figures are of this replica alone, and writes are refused. */
  readonly shared: boolean;
}
