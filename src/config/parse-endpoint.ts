import type { CamEndpoint } from "../cam/index.ts";

export const ENDPOINT_RULE =
  "must be an http or https URL of scheme, host and port alone, for example https://cam.tencentcloudapi.com";

/** Where CAM is, by an address and the name in the Host header where that is another; undefined for no such address. */
export function parseEndpoint(text: string, serviceHost: string | undefined): CamEndpoint | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isBare =
    url !== undefined &&
    /^https?:$/.test(url.protocol) &&
    url.pathname === "/" &&
    `${url.username}${url.password}${url.search}${url.hash}` === "";
  return isBare ? { origin: url.origin, serviceHost: serviceHost ?? url.host } : undefined;
}
