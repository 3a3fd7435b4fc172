import type { CamAction } from "./actions/cam-action.ts";
import type { CamClientConfig } from "./cam-client-config.ts";
import { endpointFor } from "./cam-endpoint.ts";
import type { Credential } from "./credentials/credential.ts";
import type { HeaderField } from "./signing/canonical-request.ts";
import type { Tc3Signer } from "./signing/tc3-signer.ts";
import type { TransportRequest } from "./transport/http-transport.ts";

const CONTENT_TYPE = "application/json";
const REQUEST_CLIENT = "cam-mfa-gateway";

/** What STS wants in the place of a signature from a caller that has no key yet. */
const UNSIGNED = "SKIP";

export interface RequestInput {
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
