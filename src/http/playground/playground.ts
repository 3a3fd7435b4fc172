import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { join, posix } from "node:path";
import type { FastifyInstance } from "fastify";
import { prefersHtml } from "../accept-header.ts";
import { playgroundAssetHeaders, playgroundPageHeaders } from "../security-headers.ts";
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
  const pageTemplate = await readFile(join(assetsDir, "index.html"), "utf8").catch((cause: unknown) => {
    const problem = `The playground has not been built: ${assetsDir} has no index.html. Run \`npm run build\`.`;
    throw new Error(problem, { cause });
  });
  const assetsPath = `${graphqlPath}-playground`;

  app.addConstraintStrategy(browserVisitStrategy);
  app.get(graphqlPath, { constraints: { browserVisit: "yes" } }, (_request, reply) => {
    const styleNonce = randomBytes(16).toString("base64");
    return reply
      .headers(playgroundPageHeaders(styleNonce))
      .header("vary", "accept")
      .type("text/html; charset=utf-8")
      .send(renderPage(pageTemplate, assetsPath, { banner, examples, styleNonce }));
  });
  // Loaded here, because a gateway without the playground does not need it.
  await app.register(import("@fastify/static"), {
    root: join(assetsDir, "assets"),
    prefix: `${assetsPath}/assets/`,
    // Each file that exists at the start has its own route. No other path reaches the folder.
    wildcard: false,
    index: false,
    decorateReply: false,
    // The build writes a .gz file next to each script and style sheet.
    preCompressed: true,
    // A file name changes with its content.
    immutable: true,
    maxAge: "1y",
    setHeaders: (reply) => void reply.headers(playgroundAssetHeaders),
  });
}

/** Fills in the template. Every URL in the page is relative, so a proxy may serve both paths under a prefix. */
function renderPage(template: string, assetsPath: string, boot: BootData): string {
  // A data block ends at the first "</script". With `<` escaped, no example text can end it.
  const json = JSON.stringify(boot).replaceAll("<", "\\u003c");
  return template
    .replaceAll("__ASSETS__", () => `./${posix.basename(assetsPath)}`)
    .replace('"__BOOT__"', () => json);
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
