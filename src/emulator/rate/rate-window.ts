/** Decides for one key and action whether an arrival is within the limit. */
export interface RateWindow {
  /** Arrivals must come in order. Refused arrivals do not use up the limit. */
  admit(atMs: number): RateDecision;
}

export interface RateDecision {
  admitted: boolean;
  /** Arrivals in the second that ends now, this and refused ones included: the number in the vendor's message. */
  timesInSecond: number;
}

export const WINDOW_MS = 1000;
