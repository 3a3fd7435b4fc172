/** Where CAM is, and under which name. */
export interface CamEndpoint {
  /** Scheme, host and port to connect to. */
  readonly origin: string;
  /** The Host header, which the signature covers. It differs from the origin's host behind a private link. */
  readonly serviceHost: string;
}

/** `cam.tencentcloudapi.com`, a region's or site's form of it, or one of its other top-level domains. */
const TENCENT_CAM_HOST =
  /^(https?:\/\/)?cam\.(?=(?:[a-z0-9-]+\.)*tencentcloudapi\.(?:com|cn|com\.cn)(?::\d+)?$)/i;

/** Where a product's calls go: STS is CAM's sibling on a Tencent Cloud domain, and the same server anywhere else. */
export function endpointFor(service: "cam" | "sts", cam: CamEndpoint): CamEndpoint {
  if (service === "cam") return cam;
  const toSts = (address: string): string => address.replace(TENCENT_CAM_HOST, "$1sts.");
  return { origin: toSts(cam.origin), serviceHost: toSts(cam.serviceHost) };
}
