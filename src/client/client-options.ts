import type { CamGatewayError } from "./cam-gateway-error.ts";
import type { GatewayFetch } from "./gateway-fetch.ts";
import type { GatewayTransportError } from "./gateway-transport-error.ts";

type HeaderValues = Readonly<Record<string, string>>;

export interface CamGatewayClientOptions {
  /** Where the gateway answers GraphQL: an address, or in a browser also a path such as `/graphql`. */
  readonly url: string;
  /** What sends the requests; the platform's own `fetch` where left out. */
  readonly fetch?: GatewayFetch | undefined;
  /** For access tokens and the like. A function is asked before each request; what it throws reaches the caller. */
  readonly headers?: HeaderValues | (() => HeaderValues | Promise<HeaderValues>) | undefined;
  /**
   * Hears why a field inside an answer is null, such as the `mfa` of a user who could not be read. Such an error is
   * not thrown, because the rest of the answer holds: a change took effect even if its record cannot be shown.
   */
  readonly onFieldError?: ((error: CamGatewayError | GatewayTransportError) => void) | undefined;
}

export interface CallOptions {
  /** Ends the call, which then rejects with the signal's reason. It does not take back a change that was sent. */
  readonly signal?: AbortSignal | undefined;
}

/** Of reads of users. */
export interface ReadOptions extends CallOptions {
  /** The account whose users they are, by its name in the gateway; the default one where left out. */
  readonly account?: string | null | undefined;
}

export interface ChangeOptions extends CallOptions {
  /**
   * Makes it safe to repeat the change for a day, for instance after a NETWORK error: 1 to 200 printable characters,
   * such as `crypto.randomUUID()`. Take a new one for each change, and repeat it by the same method.
   */
  readonly idempotencyKey?: string | undefined;
}
