import type { CamAction } from "./actions/cam-action.ts";
import type { Credential } from "./credentials/credential.ts";
import type { HeaderField } from "./signing/canonical-request.ts";
import type { Tc3Signer } from "./signing/tc3-signer.ts";
import type { TransportRequest } from "./transport/http-transport.ts";

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

export interface CamClientConfig {
  readonly endpoint: CamEndpoint;
  /** X-TC-Language of CAM's messages, which only logs see. */
  readonly language: "en-US" | "zh-CN";
  /** For one attempt, from connecting to the last byte of the reply. */
  readonly timeoutMs: number;
  /** X-TC-Region, which STS asks for and CAM does not. */
  readonly region?: string;
}

const CONTENT_TYPE = "application/json";
const REQUEST_CLIENT = "cam-mfa-gateway";

/** What STS wants in the place of a signature from a caller that has no key yet. */
const UNSIGNED = "SKIP";

interface RequestInput {
  readonly action: CamAction<never, unknown>;
  readonly body: string;
  /** Undefined for an action that is not signed. */
  readonly credential: Credential | undefined;
  readonly timestampSeconds: number;
  readonly traceId: string;
}

/** One attempt as it goes on the wire. */
export function createRequest(
  { action, body, credential, timestampSeconds, traceId }: RequestInput,
  { config, signer }: { readonly config: CamClientConfig; readonly signer: Tc3Signer },
): Pick<TransportRequest, "origin" | "headers" | "body"> {
  const { origin, serviceHost } = endpointFor(action.service, config.endpoint);
  const signedHeaders: readonly HeaderField[] = [
    ["content-type", CONTENT_TYPE],
    ["host", serviceHost],
    ["x-tc-action", action.name],
  ];
  const { service } = action;
  const signable = {
    method: "POST",
    query: "",
    headers: signedHeaders,
    body,
    service,
    timestampSeconds,
  } as const;
  const headers: Record<string, string> = {
    "content-type": CONTENT_TYPE,
    host: serviceHost,
    authorization: credential === undefined ? UNSIGNED : signer.sign(signable, credential).authorization,
    "x-tc-action": action.name,
    "x-tc-version": action.version,
    "x-tc-timestamp": String(timestampSeconds),
    "x-tc-language": config.language,
    "x-tc-requestclient": REQUEST_CLIENT,
    "x-tc-traceid": traceId,
  };
  if (config.region !== undefined) headers["x-tc-region"] = config.region;
  if (credential?.token !== undefined) headers["x-tc-token"] = credential.token.reveal();
  return { origin, headers, body };
}
