/** The reason why an HTTP exchange got no complete reply. It contains no header, body or password. */
export interface ConnectionFailure {
  /** The code of Node, OpenSSL or undici, or `PROXY_407` and the like. */
  readonly cause: string;
  /** The host and port, or the name, that failed. It may be a proxy. */
  readonly address?: string;
  /** The fault and its remedy, in one or two sentences. */
  readonly why: string;
}

interface NodeError extends Error {
  readonly code?: unknown;
  readonly hostname?: unknown;
  readonly address?: unknown;
  readonly port?: unknown;
  readonly errors?: unknown;
}

const UNTRUSTED =
  "This machine does not trust the CA that signed the certificate, which may belong to a proxy that inspects TLS. " +
  "Name the CA's PEM file in NODE_EXTRA_CA_CERTS.";
const NOT_TLS = "The other side does not speak TLS at this port. An address without TLS begins with http://.";
const NO_NAME = "DNS cannot resolve the name of the host. Check the address, the proxy and the name servers.";
const NO_ROUTE = "The network has no route to the host. Check routes, security groups and the proxy.";
const NOT_IN_TIME = "No connection was made in time. Check firewalls, security groups and the proxy.";
const CLOSED =
  "The other side closed the connection before the reply was complete. A server that requires TLS does this if the " +
  "address begins with http://.";
const NOT_HTTP =
  "The other side does not answer in HTTP. Check the port, and whether the address needs https://.";

const WHY: Readonly<Record<string, string>> = {
  ENOTFOUND: NO_NAME,
  EAI_AGAIN: "The name servers do not answer. Check DNS.",
  ECONNREFUSED: "Nothing listens at the address, or a firewall refuses it. Check the address and the proxy.",
  EHOSTUNREACH: NO_ROUTE,
  ENETUNREACH: NO_ROUTE,
  ETIMEDOUT: NOT_IN_TIME,
  UND_ERR_CONNECT_TIMEOUT: NOT_IN_TIME,
  ECONNRESET: CLOSED,
  EPIPE: CLOSED,
  UND_ERR_SOCKET: CLOSED,
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  CERT_HAS_EXPIRED: "The certificate has expired. Renew it, and check this machine's clock.",
  CERT_NOT_YET_VALID: "The certificate is not valid yet. Check this machine's clock.",
  ERR_TLS_CERT_ALTNAME_INVALID:
    "The certificate does not cover the host name of the address. Use a name that it covers, and check the proxy.",
  ERR_SSL_WRONG_VERSION_NUMBER: NOT_TLS,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NOT_TLS,
  EPROTO: "The TLS handshake failed. Check which TLS versions and certificates the other side accepts.",
  HTTPParserError: NOT_HTTP,
};

/** Matches undici's message for a refusal by the proxy, which has the proxy's status and no error code. */
const PROXY_STATUS = /^Proxy response \((\d{3})\)|^Proxy Authentication Required \((407)\)/;

/** The number of errors that are examined in one chain of causes. */
const MAX_CAUSES = 6;

/** Explains an error by the first known code in its chain of causes. Returns undefined if the chain has none. */
export function explainConnectionFailure(error: unknown): ConnectionFailure | undefined {
  let one = error;
  for (let depth = 0; depth < MAX_CAUSES && one instanceof Error; depth++) {
    const found = explainOne(one);
    if (found !== undefined) return found;
    const { errors } = one as NodeError;
    one = Array.isArray(errors) ? errors[0] : one.cause;
  }
  return undefined;
}

function explainOne(error: NodeError): ConnectionFailure | undefined {
  const status = PROXY_STATUS.exec(error.message)?.slice(1).find(Boolean);
  if (status !== undefined) return { cause: `PROXY_${status}`, why: whyProxy(status) };
  const code = typeof error.code === "string" ? error.code : error.name;
  const why = WHY[code] ?? whyOfFamily(code);
  if (why === undefined) return undefined;
  const address = addressOf(error);
  return { cause: code, ...(address !== undefined && { address }), why };
}

function whyProxy(status: string): string {
  return status === "407"
    ? "The proxy requires a login. Add it to the address in HTTPS_PROXY or HTTP_PROXY."
    : `The proxy does not connect to the host (HTTP ${status}). Allow the host in the proxy, or name it in NO_PROXY.`;
}

function whyOfFamily(code: string): string | undefined {
  if (code.startsWith("HPE_")) return NOT_HTTP;
  if (code.startsWith("ERR_SSL_")) return WHY["EPROTO"];
  if (code.startsWith("ERR_TLS_") || code.startsWith("CERT_")) return "The certificate cannot be accepted.";
  return /^(E[A-Z]{3,}|UND_ERR_[A-Z_]+)$/.test(code) ? "The connection failed." : undefined;
}

function addressOf({ hostname, address, port }: NodeError): string | undefined {
  if (typeof hostname === "string") return hostname;
  return typeof address === "string" ? `${address}:${port}` : undefined;
}
