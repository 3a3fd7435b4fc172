import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { FastifyInstance } from "fastify";
import { registerBuiltPage } from "../built-page.ts";
import { prefersHtml } from "../graphql/graphql-request.ts";
import { playgroundPageHeaders } from "../security-headers.ts";
import type { BootData, PlaygroundBanner, PlaygroundExample } from "./boot-data.ts";

export interface PlaygroundOptions {
  /** The path of the GraphQL endpoint, for example `/graphql`. Browsers get the page there. */
  graphqlPath: string;
  /** The folder that `npm run build` writes: `dist/playground`. */
  assetsDir: string;
  /** The entries of the Examples panel, in order. A first visit opens the first one. See `loadExamples`. */
  examples: PlaygroundExample[];
  banner: PlaygroundBanner;
}

/**
 * Serves the playground: the page to browsers that GET `graphqlPath` without a `query`, and its files under
 * `<graphqlPath>-playground/`. The GraphQL route serves every other request, regardless of the order of registration.
 * Throws if `assetsDir` has no build.
 */
export async function registerPlayground(app: FastifyInstance, options: PlaygroundOptions): Promise<void> {
  const { assetsDir, graphqlPath, banner, examples } = options;
  const assetsPath = `${graphqlPath}-playground`;
  const renderPage = await registerBuiltPage(app, { name: "playground", assetsDir, assetsPath });

  app.addConstraintStrategy(browserVisitStrategy);
  app.get(graphqlPath, { constraints: { browserVisit: "yes" } }, (_request, reply) => {
    const styleNonce = randomBytes(16).toString("base64");
    return reply
      .headers(playgroundPageHeaders(styleNonce))
      .header("vary", "accept")
      .type("text/html; charset=utf-8")
      .send(renderPage({ banner, examples, styleNonce } satisfies BootData));
  });
}

type ConstraintStrategy = Parameters<FastifyInstance["addConstraintStrategy"]>[0];
type RouteHandler = Parameters<ReturnType<ConstraintStrategy["storage"]>["set"]>[1];

/**
 * Limits a route to page visits by `constraints: { browserVisit: "yes" }`. The router tries constrained routes before
 * the others, regardless of the order of registration.
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
  deriveConstraint: (request) => (isBrowserVisit(request) ? "yes" : undefined),
};

/**
 * Returns whether a GET requests the page. A GET with a `query` parameter is an operation, even from an address bar.
 */
export function isBrowserVisit({ headers, url }: IncomingMessage): boolean {
  return prefersHtml(headers.accept) && !/[?&]query=/.test(url ?? "");
}
