import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { posix } from "node:path";
import type { FastifyInstance } from "fastify";
import { prefersHtml } from "../accept-header.ts";
import {
  assetContentSecurityPolicy,
  commonSecurityHeaders,
  contentSecurityPolicy,
} from "../security-headers.ts";
import type { BootData, PlaygroundBanner, PlaygroundExample } from "./boot-data.ts";
import { loadBuiltPlayground } from "./built-assets.ts";

export interface PlaygroundOptions {
  /** The route of the GraphQL endpoint, for example `/graphql`. The page appears there to browsers. */
  graphqlPath: string;
  /** The folder that `npm run build` wrote: `dist/playground`. */
  assetsDir: string;
  /** Opened as tabs on a first visit, in this order; see `loadExamples`. */
  examples: PlaygroundExample[];
  banner: PlaygroundBanner;
}

/**
 * Serves the playground: the page on GET `graphqlPath` to whoever asks for HTML without a `query`, and its files
 * under `<graphqlPath>-playground/`. Every other request to `graphqlPath` stays with the GraphQL route, whichever
 * of the two is registered first. Rejects with a PlaygroundNotBuiltError where `assetsDir` was never built.
 */
export async function registerPlayground(app: FastifyInstance, options: PlaygroundOptions): Promise<void> {
  const { pageTemplate, assets } = await loadBuiltPlayground(options.assetsDir);
  const assetsPath = `${options.graphqlPath}-playground`;

  app.addConstraintStrategy(browserVisitStrategy);

  app.get(options.graphqlPath, { constraints: { browserVisit: "yes" } }, (_request, reply) => {
    const styleNonce = randomBytes(16).toString("base64");
    const { banner, examples } = options;
    return reply
      .headers(commonSecurityHeaders)
      .header("content-security-policy", contentSecurityPolicy(styleNonce))
      .header("cache-control", "no-store")
      .header("vary", "accept")
      .type("text/html; charset=utf-8")
      .send(renderPage(pageTemplate, assetsPath, { banner, examples, styleNonce }));
  });

  app.get<{ Params: { file: string } }>(`${assetsPath}/assets/:file`, async (request, reply) => {
    const asset = assets.get(request.params.file);
    if (asset === undefined) {
      return reply.callNotFound();
    }
    const compress = asset.compressible && /\bgzip\b/.test(request.headers["accept-encoding"] ?? "");
    return reply
      .headers(commonSecurityHeaders)
      .header("content-security-policy", assetContentSecurityPolicy)
      .header("cache-control", "public, max-age=31536000, immutable")
      .header("vary", "accept-encoding")
      .headers(compress ? { "content-encoding": "gzip" } : {})
      .type(asset.type)
      .send(compress ? await asset.gzipped() : asset.content);
  });
}

/** Every address in the page is relative to it, so that a proxy may move both paths under a prefix. */
function renderPage(template: string, assetsPath: string, boot: BootData): string {
  // A data block ends at the first "</script"; escaped, no example text can end it.
  const json = JSON.stringify(boot).replaceAll("<", "\\u003c");
  return template
    .replaceAll("__ASSETS__", () => `./${posix.basename(assetsPath)}`)
    .replace('"__BOOT__"', () => json);
}

type ConstraintStrategy = Parameters<FastifyInstance["addConstraintStrategy"]>[0];
type RouteHandler = Parameters<ReturnType<ConstraintStrategy["storage"]>["set"]>[1];

/**
 * Lets a route claim only the visits of people with a browser, by `constraints: { browserVisit: "yes" }`. The
 * router tries constrained routes before the others, in whatever order they were registered.
 */
const browserVisitStrategy: ConstraintStrategy = {
  name: "browserVisit",
  storage: () => {
    const handlers = new Map<unknown, RouteHandler>();
    return {
      get: (value) => handlers.get(value) ?? null,
      set: (value, handler) => void handlers.set(value, handler),
    };
  },
  deriveConstraint: (request: IncomingMessage) => (isBrowserVisit(request) ? "yes" : undefined),
};

/** A GET with a `query` parameter is an operation, even if it was typed into an address bar. */
export function isBrowserVisit(request: IncomingMessage): boolean {
  return prefersHtml(request.headers.accept) && !/[?&]query=/.test(request.url ?? "");
}
