/** Where CAM is, and under which name. */
export interface CamEndpoint {
  /** Scheme, host and port to connect to. */
  readonly origin: string;
  /** The Host header, which the signature covers. It differs from the origin's host behind a private link. */
  readonly serviceHost: string;
}

/** Where a product's calls go: STS is CAM's sibling on a Tencent Cloud domain, and the same server anywhere else. */
export function endpointFor(service: "cam" | "sts", cam: CamEndpoint): CamEndpoint {
  if (service === "cam" || !cam.serviceHost.startsWith("cam.")) return cam;
  const serviceHost = cam.serviceHost.replace(/^cam\./, "sts.");
  return { origin: cam.origin.replace(/^(https?:\/\/)cam\./, "$1sts."), serviceHost };
}
