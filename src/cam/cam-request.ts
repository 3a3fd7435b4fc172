import type { Credential } from "./credentials/credential.ts";
import type { CamAction } from "./protocol.ts";
import type { Tc3Signer } from "./tc3-signer.ts";
import type { TransportRequest } from "./transport/http-transport.ts";

/** The address of CAM. */
export interface CamEndpoint {
  /** Scheme, host and port to connect to. */
  readonly origin: string;
  /** The Host header, which the signature covers. Behind a private link, it differs from the host of `origin`. */
  readonly serviceHost: string;
}

export interface CamClientConfig {
  readonly endpoint: CamEndpoint;
  /** X-TC-Language: the language of CAM's messages. Only logs show the messages. */
  readonly language: "en-US" | "zh-CN";
  /** The longest time of one attempt, from connecting to the last byte of the reply. */
  readonly timeoutMs: number;
  /** X-TC-Region, which STS requires and CAM does not. */
  readonly region?: string;
}

/** Matches `cam.tencentcloudapi.com`, its hosts for a region or site, and its other top-level domains. */
const TENCENT_CAM_HOST =
  /^(https?:\/\/)?cam\.(?=(?:[a-z0-9-]+\.)*tencentcloudapi\.(?:com|cn|com\.cn)(?::\d+)?$)/i;

/**
 * Returns the address of a product. On Tencent Cloud, the host of STS has `sts.` in the place of `cam.`. Elsewhere, one
 * server serves both products.
 */
export function endpointFor(service: "cam" | "sts", cam: CamEndpoint): CamEndpoint {
  if (service === "cam") return cam;
  const toSts = (address: string): string => address.replace(TENCENT_CAM_HOST, "$1sts.");
  return { origin: toSts(cam.origin), serviceHost: toSts(cam.serviceHost) };
}

interface RequestInput {
  readonly action: CamAction<never, unknown>;
  readonly body: string;
  /** Undefined for an unsigned action. */
  readonly credential: Credential | undefined;
  readonly timestampSeconds: number;
  readonly traceId: string;
}

/** STS expects this value instead of a signature from a client without a key. */
const UNSIGNED = "SKIP";

/** Creates the signed request of one attempt. */
export function createRequest(
  { action, body, credential, timestampSeconds, traceId }: RequestInput,
  { config, signer }: { readonly config: CamClientConfig; readonly signer: Tc3Signer },
): Pick<TransportRequest, "origin" | "headers" | "body"> {
  const { origin, serviceHost } = endpointFor(action.service, config.endpoint);
  const signed = {
    "content-type": "application/json",
    host: serviceHost,
    "x-tc-action": action.name,
  };
  const signable = {
    ...({ method: "POST", query: "", body, timestampSeconds } as const),
    service: action.service,
    headers: Object.entries(signed),
  };
  const headers: Record<string, string> = {
    ...signed,
    authorization: credential === undefined ? UNSIGNED : signer.sign(signable, credential).authorization,
    "x-tc-version": action.version,
    "x-tc-timestamp": String(timestampSeconds),
    "x-tc-language": config.language,
    "x-tc-requestclient": "cam-mfa-gateway",
    "x-tc-traceid": traceId,
  };
  if (config.region !== undefined) headers["x-tc-region"] = config.region;
  if (credential?.token !== undefined) headers["x-tc-token"] = credential.token.reveal();
  return { origin, headers, body };
}
