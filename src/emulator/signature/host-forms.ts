/**
 * The host a client may have signed for one Host header. The Node SDK leaves the port out with TC3 and keeps
 * it with v1; the Go and Python SDKs keep it always.
 */
export function hostForms(hostHeader: string): string[] {
  const withoutPort = hostHeader.replace(/:\d+$/, "");
  return withoutPort === hostHeader ? [hostHeader] : [hostHeader, withoutPort];
}

/** The Node SDK takes the endpoint's text before the first dot for the service: `127` for 127.0.0.1:4100. */
export function hostLabel(hostHeader: string): string {
  return hostHeader.split(".")[0] ?? "";
}
