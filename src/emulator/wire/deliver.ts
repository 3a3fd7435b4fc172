import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { type Delivery, JSON_TYPE } from "./delivery.ts";

export interface ReplyHeaders {
  date: string;
  traceId: string | undefined;
}

/** Puts a delivery on the wire. */
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
  const head = '{"Response":{"Padding":"';
  const tail = '"}}';
  const padding = Math.max(0, bytes - head.length - tail.length);
  response.writeHead(200, {
    "Content-Type": JSON_TYPE,
    "Content-Length": head.length + padding + tail.length,
  });
  response.write(head);
  const chunk = Buffer.alloc(64 * 1024, "x");
  for (let left = padding; left > 0 && !response.destroyed; left -= chunk.length) {
    const hasRoom = response.write(left < chunk.length ? chunk.subarray(0, left) : chunk);
    // A peer that has read enough closes the connection; then nothing drains any more.
    if (!hasRoom) await Promise.race([once(response, "drain"), once(response, "close")]);
  }
  response.end(tail);
}
