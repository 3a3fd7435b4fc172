/** The form of an action of Tencent Cloud's API 3.0, and its reply with exact integers. */

import { z } from "zod";
import { parseUin, type Uin } from "../contract/index.ts";
import { CamError } from "./cam-error.ts";
import type { Credential } from "./credentials/credential.ts";
import type { Tc3Signer } from "./signing/tc3-signer.ts";
import type { TransportReply, TransportRequest } from "./transport/http-transport.ts";

/** An action of API 3.0, with the serializer of its request and the parser of its reply. */
export interface CamAction<Input, Output> {
  /** The value of X-TC-Action. */
  readonly name: string;
  /** The value of X-TC-Version. */
  readonly version: string;
  /** The product: the first label of its host and the service of the signature. */
  readonly service: "cam" | "sts";
  /**
   * The gateway may repeat a read at any time. If the reply of a write is lost, the gateway must find out the outcome
   * before it repeats the write.
   */
  readonly access: "read" | "write";
  /** The gateway does not sign the action, because it has no key yet. */
  readonly unsigned?: true;
  /** Returns the only user of a call. Undefined if the call has no user or several. */
  userOf?(input: Input): Uin | undefined;
  /** Returns the JSON body. Writes integers that exceed a JS number exactly. */
  serialize(input: Input): string;
  /**
   * Parses CAM's `Response` object. Its integers are exact: numbers or bigints.
   * @throws ZodError if a field that the action promises is missing or has another type.
   */
  parse(response: unknown): Output;
}

export const CAM_VERSION = "2019-01-16";
export const STS_VERSION = "2018-08-13";

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

declare global {
  interface JSON {
    /** ECMAScript's JSON.parse source text access, which TypeScript's own library does not declare yet. */
    rawJSON(text: string): { readonly rawJSON: string };
  }
}

/** The shortest integer that a JS number rounds has 16 digits. */
const MAY_HOLD_LARGE_INTEGER = /\d{16}/;

/**
 * Parses JSON with exact integers. An integer that a JS number cannot hold exactly becomes a bigint. CAM sends Uins as
 * 64-bit integers, and `JSON.parse` silently rounds large ones. @throws SyntaxError
 */
export function parseExactJson(text: string): unknown {
  // A reviver makes parsing several times as slow, and hardly any reply of CAM needs it.
  return MAY_HOLD_LARGE_INTEGER.test(text) ? JSON.parse(text, reviveExactly) : JSON.parse(text);
}

/** Returns a bigint for an integer that is not exact. `context.source` is the literal from the text. */
function reviveExactly(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  const source = context?.source ?? "";
  return /^-?\d+$/.test(source) ? BigInt(source) : value;
}

/** Returns an object that `JSON.stringify` writes as a bare integer with these digits. */
export function exactInteger(digits: string): { readonly rawJSON: string } {
  return JSON.rawJSON(digits);
}

/** A Uin in a reply of CAM: a JSON integer, or a string of digits in CAM's older documentation. */
export const wireUin = z.union([z.number(), z.bigint(), z.string()]).transform((value, context): Uin => {
  const uin = parseUin(value);
  if (uin === undefined) {
    context.addIssue({ code: "custom", message: "not a Uin" });
    return z.NEVER;
  }
  return uin;
});

/** An integer flag in a reply of CAM: 1 is on, 0 is off. Undefined if CAM omits it or sends null. */
export const wireFlag = z
  .union([z.number(), z.bigint()])
  .nullish()
  .transform((value) => (value === null || value === undefined ? undefined : Number(value) !== 0));

/** A text in a reply of CAM. Undefined if CAM omits it, sends null or sends an empty text. */
export const wireText = z
  .string()
  .nullish()
  .transform((value) => value || undefined);

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
