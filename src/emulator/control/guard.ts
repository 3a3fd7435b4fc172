import type { IncomingHttpHeaders } from "node:http";
import { isIP } from "node:net";
import type { ControlReply } from "./control-routes.ts";

/**
 * Refuses requests that a web page may have made a browser send; undefined for others. A page cannot choose Origin, nor the
 * name that the browser was led here by (DNS rebinding), and sends JSON to another origin only after a preflight.
 */
export function refuseForeign(headers: IncomingHttpHeaders, body: string): ControlReply | undefined {
  const { host = "", origin } = headers;
  if (!isOwnName(nameOf(host))) {
    return refusal(421, "Address the control API by localhost, an IP address, or a name without a dot.");
  }
  if (origin !== undefined && origin.toLowerCase() !== `http://${host}`.toLowerCase()) {
    return refusal(403, "A page of another origin may not use the control API.");
  }
  const [type = ""] = (headers["content-type"] ?? "").split(";", 1);
  if (body.trim() !== "" && type.trim().toLowerCase() !== "application/json") {
    return refusal(415, "Send the body with content-type: application/json.");
  }
  return undefined;
}

/** Nobody but this machine and its network can give out these names. */
function isOwnName(name: string): boolean {
  return isIP(name) !== 0 || /^[a-z0-9_-]+$/.test(name);
}

function nameOf(host: string): string {
  return host
    .toLowerCase()
    .replace(/:\d*$/, "")
    .replace(/^\[(.*)\]$/, "$1");
}

function refusal(status: number, error: string): ControlReply {
  return { status, body: { error } };
}
