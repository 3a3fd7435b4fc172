/** Who is asking. */
export interface Caller {
  /** Names the caller in logs and records. */
  readonly subject: string;
}

/** The development caller: the only one there is until callers are authenticated, and the reason to listen on loopback alone. */
export const LOCAL_CALLER: Caller = Object.freeze({ subject: "local" });
