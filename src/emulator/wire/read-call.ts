import { refusals } from "../refusals.ts";
import type { ApiCall } from "./api-call.ts";
import { readTc3Call } from "./read-tc3-call.ts";
import { readV1Call } from "./read-v1-call.ts";
import { BODY_LIMIT_BYTES } from "./receive-request.ts";
import { headerValue, type ReceivedRequest } from "./received-request.ts";

const GET_LIMIT_BYTES = 32 * 1024;
const V1_BODY_LIMIT_BYTES = 1024 * 1024;
const TC3_HEADERS = ["authorization", "x-tc-action", "x-tc-version", "x-tc-timestamp"];

/** The first gate: the method, the size, which signature scheme, and its required common parameters. */
export function readCall(request: ReceivedRequest): ApiCall {
  if (request.method !== "GET" && request.method !== "POST") throw refusals.unsupportedProtocol();
  if (request.method === "GET" && request.targetBytes > GET_LIMIT_BYTES) throw refusals.requestTooLarge();
  const isTc3 = TC3_HEADERS.some((name) => headerValue(request, name) !== undefined);
  if (isTc3) {
    if (request.bodyBytes > BODY_LIMIT_BYTES) throw refusals.requestTooLarge();
    return readTc3Call(request);
  }
  if (request.bodyBytes > V1_BODY_LIMIT_BYTES) throw refusals.requestTooLargeForV1();
  return readV1Call(request);
}
