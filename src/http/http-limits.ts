/** Far above any operation people write, and far below what would hurt. */
export const MAX_BODY_BYTES = 1024 * 1024;

/** Room for the longest bearer token (24 KiB, src/auth/token-verifier.ts) and 8 KiB of other headers. */
export const MAX_HEADER_BYTES = 32 * 1024;

/** For the headers, and for a whole request: the longest that an honest client on a bad line takes. */
export const HEADERS_TIMEOUT_MS = 10_000;
export const REQUEST_TIMEOUT_MS = 30_000;

/** Node looks for requests that have run out of time only so often, every 30 s unless told. */
export const TIMEOUT_CHECK_MS = 1_000;
