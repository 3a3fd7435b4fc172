import type { ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { CamRefusal, Language } from "../cam-refusals.ts";
import { stringifyExactJson } from "./wire-json.ts";

/** The answer on the wire, or its absence. */
export type Delivery =
  | { kind: "reply"; status: number; contentType: string; body: string | Buffer }
  /** A JSON reply padded to this many bytes, streamed. */
  | { kind: "padding"; bytes: number }
  /** Closes the connection without an answer. */
  | { kind: "cut" }
  /** Leaves the connection open and never answers. */
  | { kind: "silence" };

/** CAM's exact content type. The vendor's Python SDK ignores errors when a charset follows. */
export const JSON_TYPE = "application/json";

export function jsonReply(body: string): Delivery {
  return { kind: "reply", status: 200, contentType: JSON_TYPE, body };
}

export function successEnvelope(response: Record<string, unknown>, requestId: string): string {
  return stringifyExactJson({ Response: { ...response, RequestId: requestId } });
}

export function refusalEnvelope(refusal: CamRefusal, language: Language, requestId: string): string {
  const error = { Code: refusal.code, Message: refusal.messageIn(language) };
  return stringifyExactJson({ Response: { Error: error, RequestId: requestId } });
}

interface ReplyHeaders {
  date: string;
  traceId: string | undefined;
}

/** Sends a delivery. */
export async function deliver(
  delivery: Delivery,
  response: ServerResponse,
  headers: ReplyHeaders,
): Promise<void> {
  if (delivery.kind === "silence") return;
  if (delivery.kind === "cut") {
    response.socket?.destroy();
    return;
  }
  response.sendDate = false;
  response.setHeader("Date", headers.date);
  if (headers.traceId !== undefined) response.setHeader("X-TC-TraceId", headers.traceId);
  if (delivery.kind === "padding") {
    await writePadding(response, delivery.bytes);
    return;
  }
  response.writeHead(delivery.status, {
    "Content-Type": delivery.contentType,
    "Content-Length": Buffer.byteLength(delivery.body),
  });
  response.end(delivery.body);
}

async function writePadding(response: ServerResponse, bytes: number): Promise<void> {
  response.writeHead(200, { "Content-Type": JSON_TYPE, "Content-Length": bytes });
  // A client may close the connection before it has read all bytes.
  await pipeline(Readable.from(paddedEnvelope(bytes)), response).catch(() => undefined);
}

function* paddedEnvelope(bytes: number): Generator<Buffer> {
  const head = Buffer.from('{"Response":{"Padding":"');
  const tail = Buffer.from('"}}');
  const chunk = Buffer.alloc(64 * 1024, "x");
  yield head;
  for (let left = bytes - head.length - tail.length; left > 0; left -= chunk.length) {
    yield left < chunk.length ? chunk.subarray(0, left) : chunk;
  }
  yield tail;
}
