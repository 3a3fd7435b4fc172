import { Agent, type Dispatcher, EnvHttpProxyAgent } from "undici";
import type { Secret } from "../../secret.ts";

/** As HTTPS_PROXY, HTTP_PROXY and NO_PROXY give them. A password may stand in the URLs. */
export interface ProxySettings {
  readonly http?: Secret;
  readonly https?: Secret;
  readonly except?: string;
}

export interface DispatcherOptions {
  readonly proxy?: ProxySettings;
}

/** More than the vendor's rate needs at any usual latency: 20 a second for a second and a half each. */
const MAX_CONNECTIONS = 32;

/** Connections outlive a quiet moment, because a cold one costs a TLS handshake on the next change. */
const KEEP_ALIVE_MS = 30_000;

const CONNECT_TIMEOUT_MS = 5_000;

/**
 * A keep-alive pool with TLS verified. HTTP/1.1 only: one request per connection at a time, so a connection
 * that breaks costs exactly one call. undici's own reply timeouts are off because the transport has its own.
 */
export function createDispatcher(options: DispatcherOptions = {}): Dispatcher {
  const common = {
    connections: MAX_CONNECTIONS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: 0,
    bodyTimeout: 0,
    allowH2: false,
    connect: { timeout: CONNECT_TIMEOUT_MS },
  };
  const { proxy } = options;
  if (proxy?.http === undefined && proxy?.https === undefined) return new Agent(common);
  return new EnvHttpProxyAgent({
    ...common,
    // Empty strings keep undici from reading process.env behind the configuration's back.
    httpProxy: proxy.http?.reveal() ?? "",
    httpsProxy: (proxy.https ?? proxy.http)?.reveal() ?? "",
    noProxy: proxy.except ?? "",
  });
}
