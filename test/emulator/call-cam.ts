import type { CamEmulator } from "../../src/emulator/index.ts";
import { signTc3 } from "../support/sign-tc3.ts";
import { type RawReply, type RawRequest, sendRaw } from "./send-raw.ts";

export interface CallOptions {
  secretId?: string;
  secretKey?: string;
  version?: string;
  service?: string;
  timestamp?: number;
  /** Headers that are sent without a signature. */
  extraHeaders?: readonly (readonly [string, string])[];
}

export interface CamResponse {
  RequestId: string;
  Error?: { Code: string; Message: string };
  [member: string]: unknown;
}

/** Returns a signed TC3 POST. Text parameters are sent unchanged. */
export function signedPost(
  emulator: CamEmulator,
  action: string,
  parameters: unknown,
  options: CallOptions = {},
): RawRequest {
  const { version = "2019-01-16", service = "cam", extraHeaders = [] } = options;
  const { secretId = "AKIDLOCALEXAMPLE", secretKey = "LocalExampleSecretKey" } = options;
  const timestamp = options.timestamp ?? Math.floor(emulator.control.clock().nowMs / 1000);
  const body = typeof parameters === "string" ? parameters : JSON.stringify(parameters);
  const signedHeaders = [
    ["Content-Type", "application/json"],
    ["Host", new URL(emulator.url).host],
    ["X-TC-Action", action],
  ] as const;
  const { authorization } = signTc3({
    method: "POST",
    headers: signedHeaders,
    payload: body,
    timestamp,
    service,
    secretId,
    secretKey,
  });
  return {
    method: "POST",
    target: "/",
    headers: [
      ...signedHeaders,
      ["X-TC-Version", version],
      ["X-TC-Timestamp", String(timestamp)],
      ["Authorization", authorization],
      ...extraHeaders,
    ],
    body,
  };
}

/** Calls an action and returns the content of `Response`. */
export async function callCam(
  emulator: CamEmulator,
  action: string,
  parameters: unknown,
  options?: CallOptions,
): Promise<CamResponse> {
  return responseOf(await sendRaw(emulator.url, signedPost(emulator, action, parameters, options)));
}

export function responseOf(reply: RawReply): CamResponse {
  return (JSON.parse(reply.body.toString()) as { Response: CamResponse }).Response;
}

/** Returns the code of a refusal, or "Success". */
export async function codeOf(
  emulator: CamEmulator,
  action: string,
  parameters: unknown,
  options?: CallOptions,
): Promise<string> {
  return (await callCam(emulator, action, parameters, options)).Error?.Code ?? "Success";
}
