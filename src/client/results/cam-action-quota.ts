/** How one action of CAM stands to its limit of calls per second. */
export interface CamActionQuota {
  /** The account with whose key the action was called. */
  readonly account: string;
  readonly action: string;
  /** Calls a second that CAM takes. */
  readonly ratePerSecond: number;
  readonly windowMs: number;
  /** Calls in the window that ends now. */
  readonly used: number;
  /** Calls that wait for a slot in the replica that answered. */
  readonly queued: number;
  readonly nextSlotInMs: number;
  readonly throttledRecently: boolean;
  /** Whether the figures are of all replicas. */
  readonly shared: boolean;
}
