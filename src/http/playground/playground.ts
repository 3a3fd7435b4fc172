import { randomBytes } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import { type DocumentNode, Kind, parse } from "graphql";
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

/**
 * Reads every `*.graphql` file of a folder, in the order of the file names. Each file is one named operation under a
 * comment. The first line of the comment is the title. The rest describes the result, and names an error as "code X" or
 * "code is X". Throws an error with the path of a file that has another form.
 */
export async function loadExamples(directory: string): Promise<PlaygroundExample[]> {
  const files = (await readdir(directory)).filter((file) => file.endsWith(".graphql")).sort();
  return Promise.all(
    files.map(async (file) => {
      const path = join(directory, file);
      return parseExample(await readFile(path, "utf8"), path);
    }),
  );
}

function parseExample(document: string, path: string): PlaygroundExample {
  const [title = "", ...rest] = leadingComment(document);
  if (title === "") {
    throw new Error(`${path} does not begin with a comment that says what it shows.`);
  }
  const description = rest.join(" ");
  const errorCode = /\bcode (?:is )?([A-Z_]+)\b/.exec(description)?.[1] ?? null;
  return { name: operationName(document, path), title, description, errorCode, document };
}

function leadingComment(document: string): string[] {
  const lines = document.split("\n");
  const end = lines.findIndex((line) => !line.startsWith("#"));
  return lines
    .slice(0, end)
    .map((line) => line.slice(1).trim())
    .filter((line) => line !== "");
}

function operationName(document: string, path: string): string {
  const operations = parseDocument(document, path).definitions.filter(
    (definition) => definition.kind === Kind.OPERATION_DEFINITION,
  );
  const name = operations[0]?.name?.value;
  if (operations.length !== 1 || name === undefined) {
    throw new Error(`${path} does not hold exactly one named operation.`);
  }
  return name;
}

function parseDocument(document: string, path: string): DocumentNode {
  try {
    return parse(document);
  } catch (cause) {
    throw new Error(`${path} is not a GraphQL document.`, { cause });
  }
}
