import type { TransportError, TransportFailure } from "../transport/transport-error.ts";
import type { CamErrorKind } from "./cam-error.ts";

/** What it means for a call that no whole reply came back. */
export function kindOf(failure: TransportError): CamErrorKind {
  if (failure.reason === "ABORTED") return "ABORTED";
  if (!failure.sent || failure.reason === "SLOT_MISSED") return "UNREACHABLE";
  return KIND_AFTER_SENDING[failure.reason];
}

const KIND_AFTER_SENDING: Readonly<
  Record<Exclude<TransportFailure, "ABORTED" | "SLOT_MISSED">, CamErrorKind>
> = {
  CONNECT_FAILED: "UNREACHABLE",
  CONNECTION_LOST: "CONNECTION_LOST",
  TIMEOUT: "TIMEOUT",
  REPLY_TOO_LARGE: "BAD_RESPONSE",
};
