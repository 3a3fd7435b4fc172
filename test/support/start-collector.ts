import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { whenOver } from "./when-over.ts";

interface OtlpAttribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: number };
}

interface OtlpSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly attributes: readonly OtlpAttribute[];
}

interface OtlpTraces {
  readonly resourceSpans: readonly {
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

interface OtlpMetrics {
  readonly resourceMetrics: readonly {
    readonly scopeMetrics: readonly { readonly metrics: readonly { readonly name: string }[] }[];
  }[];
}

/** A span as tests compare it. */
export interface ReceivedSpan extends Omit<OtlpSpan, "attributes"> {
  readonly attributes: Readonly<Record<string, string | number | undefined>>;
}

/** A collector that takes traces and metrics over OTLP/HTTP in JSON. */
export interface Collector {
  readonly url: string;
  /** The spans so far. */
  readonly spans: readonly ReceivedSpan[];
  /** The names of the metrics so far. */
  readonly metrics: ReadonlySet<string>;
  /** The exports so far, answered or not. */
  readonly exports: () => number;
}

/** Starts a collector. @param options.hangs Whether it never answers. */
export async function startCollector(options: { readonly hangs?: boolean } = {}): Promise<Collector> {
  const spans: ReceivedSpan[] = [];
  const metrics = new Set<string>();
  let exports = 0;
  const server = createServer(async (request, response) => {
    exports += 1;
    if (options.hangs) return;
    if (request.headers["content-type"] !== "application/json") {
      response.writeHead(415).end();
      return;
    }
    const body = await json(request);
    if (request.url === "/v1/traces") {
      for (const resource of (body as OtlpTraces).resourceSpans)
        for (const scope of resource.scopeSpans) spans.push(...scope.spans.map(readSpan));
    } else {
      for (const resource of (body as OtlpMetrics).resourceMetrics)
        for (const scope of resource.scopeMetrics) for (const { name } of scope.metrics) metrics.add(name);
    }
    response.setHeader("content-type", "application/json").end("{}");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  whenOver(async () => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, spans, metrics, exports: () => exports };
}

function readSpan({ attributes, ...span }: OtlpSpan): ReceivedSpan {
  const read = attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue] as const);
  return { ...span, attributes: Object.fromEntries(read) };
}
