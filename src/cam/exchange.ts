/**
 * One exchange with CAM: the request with its signature, the reply, and the clock that the reply shows.
 */

import { z } from "zod";
import type { Clock } from "../clock.ts";
import type { CamAction } from "./actions/cam-action.ts";
import type { Credential } from "./credentials/credential.ts";
import { CamError } from "./errors/cam-error.ts";
import type { Tc3Signer } from "./signing/tc3-signer.ts";
import { parseExactJson, type TransportReply, type TransportRequest } from "./transport/http-transport.ts";

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

export interface CamResult<Output> {
  readonly output: Output;
  /** CAM's RequestId. */
  readonly camRequestId: string;
}

const envelope = z.object({
  Response: z.looseObject({
    RequestId: z.string().optional(),
    Error: z.object({ Code: z.string(), Message: z.string().optional() }).optional(),
  }),
});

/**
 * Reads one reply: the API 3.0 envelope `{"Response":{…,"RequestId"}}`. CAM sends refusals with HTTP 200 too. Accepts
 * an envelope with an error at any status. Any other body with another status than 200 is not from CAM.
 *
 * @throws CamError REFUSED with CAM's code, or BAD_RESPONSE.
 */
export function readReply<Output>(
  action: CamAction<never, Output>,
  reply: TransportReply,
  attempts: number,
): CamResult<Output> {
  const facts = {
    action: action.name,
    attempts,
    ...(reply.status === 200 ? {} : { httpStatus: reply.status }),
  };
  const bad = (detail: string, more: { camRequestId?: string; cause?: unknown } = {}) =>
    new CamError({ kind: "BAD_RESPONSE", detail, ...facts, ...more });

  if (!/^application\/json\s*(;|$)/i.test(reply.contentType)) {
    throw bad(`not application/json but ${mediaTypeOf(reply.contentType)}`);
  }
  let json: unknown;
  try {
    json = parseExactJson(reply.body);
  } catch {
    // Drops the parser's error, because it quotes the text, and a reply of STS contains a key.
    throw bad("not JSON");
  }
  const parsed = envelope.safeParse(json);
  if (!parsed.success) throw bad("no API 3.0 envelope", { cause: parsed.error });
  const { Response: response } = parsed.data;
  const { RequestId: camRequestId, Error: refusal } = response;
  if (refusal !== undefined) {
    const { Code: camCode, Message: camMessage } = refusal;
    throw new CamError({ kind: "REFUSED", camCode, camMessage, camRequestId, ...facts });
  }
  if (reply.status !== 200) throw bad("another HTTP status than 200");
  if (camRequestId === undefined) throw bad("no RequestId");
  try {
    return { output: action.parse(response), camRequestId };
  } catch (cause) {
    throw bad("a field that the action promises is missing or malformed", { camRequestId, cause });
  }
}

/** Returns the media type alone, which is safe to log. */
function mediaTypeOf(contentType: string): string {
  return /^[\w.+-]{1,40}\/[\w.+-]{1,40}(?=\s*(;|$))/.exec(contentType)?.[0] ?? "no media type";
}

/**
 * The gateway ignores smaller differences: a Date header counts whole seconds, and a reply takes time. CAM allows 300
 * s.
 */
const IGNORED_BELOW_MS = 5_000;

/**
 * The difference between CAM's clock and the gateway's, measured by the Date header of CAM's replies. The gateway signs
 * with CAM's time, so a machine with a wrong clock still makes valid signatures.
 */
export class ClockSkew {
  readonly #clock: Clock;
  #skewMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get skewMs(): number {
    return this.#skewMs;
  }

  /** Returns the time of CAM's wall clock, in milliseconds since the epoch. */
  now(): number {
    return this.#clock.now() + this.#skewMs;
  }

  /** Returns X-TC-Timestamp for a request that the gateway signs now. */
  timestampSeconds(): number {
    return Math.floor(this.now() / 1000);
  }

  /** Returns whether an earlier timestamp differs from the current one by at least 5 seconds. */
  hasMovedSince(timestampSeconds: number): boolean {
    return Math.abs(this.timestampSeconds() - timestampSeconds) * 1000 >= IGNORED_BELOW_MS;
  }

  /** Measures the difference by the Date header of a reply. Returns false if the header is missing or malformed. */
  learn(dateHeader: string | undefined): boolean {
    const camNow = dateHeader === undefined ? Number.NaN : Date.parse(dateHeader);
    if (Number.isNaN(camNow)) return false;
    const measured = camNow - this.#clock.now();
    this.#skewMs = Math.abs(measured) < IGNORED_BELOW_MS ? 0 : measured;
    return true;
  }
}
