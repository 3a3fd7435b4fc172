/** The name that the pages and commands give the gateway in a composed graph, where nothing better is known. */
export const SUBGRAPH = "cam-mfa";

/** The headers of a client that the gateway has a use for: who it is, which request it is, and which repetition. */
export const FORWARDED_HEADERS = ["authorization", "x-request-id", "idempotency-key"] as const;

/**
 * How long a router has to wait for the gateway: longer than the gateway's own deadline (CAM_DEADLINE_MS, 15 s
 * unless set), because a router that gives up first never learns the outcome of a change that goes on.
 */
export const PATIENCE_SECONDS = 20;
