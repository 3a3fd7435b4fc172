import { type ConnectionFailure, explainConnectionFailure } from "../../connection-failures.ts";
import { TransportError } from "../transport/transport-error.ts";

/** As much of a CamError as its cause is told by. */
interface FailedCall {
  readonly kind: string;
  readonly detail?: string;
  readonly httpStatus?: number;
  readonly cause?: unknown;
}

const TOO_LATE = "The other side took the request and sent no whole reply in time.";
const NO_CONNECTION = "No connection was made in time. Check firewalls, security groups and the proxy.";

/** Why a call has no usable answer, for its log line; undefined where CAM answered, or where there was no exchange. */
export function explainFailure(call: FailedCall): ConnectionFailure | undefined {
  const { kind, detail = "", cause, httpStatus } = call;
  if (kind === "BAD_RESPONSE" && !(cause instanceof TransportError)) {
    return { cause: "BAD_RESPONSE", why: whyBadResponse(httpStatus, detail) };
  }
  if (!(cause instanceof TransportError)) {
    return kind === "UNREACHABLE"
      ? { cause: "NO_TIME_LEFT", why: "The operation had no time left." }
      : undefined;
  }
  if (cause.reason === "ABORTED") return undefined;
  if (cause.reason === "TIMEOUT") return { cause: "TIMEOUT", why: cause.sent ? TOO_LATE : NO_CONNECTION };
  if (cause.reason === "REPLY_TOO_LARGE")
    return { cause: cause.reason, why: "The reply is larger than any of CAM's." };
  return explainConnectionFailure(cause.cause) ?? { cause: cause.reason, why: "The connection failed." };
}

function whyBadResponse(httpStatus: number | undefined, detail: string): string {
  const what = `The answer is not CAM's: HTTP ${httpStatus ?? 200}, ${detail}.`;
  if (httpStatus === 407) return `${what} The proxy wants a login.`;
  if (httpStatus !== undefined && httpStatus >= 300 && httpStatus < 400) {
    return `${what} It is a redirect, and the gateway follows none. Check the address and the proxy.`;
  }
  return `${what} A proxy or load balancer in between may have sent it.`;
}
