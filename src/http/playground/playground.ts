import { randomBytes } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type DocumentNode, Kind, parse } from "graphql";
import type { PlaygroundBanner, PlaygroundBootData, PlaygroundExample } from "../boot-data.ts";
import { registerBuiltPage } from "../built-page.ts";
import { prefersHtml } from "../graphql/graphql-request.ts";
import { playgroundPageHeaders } from "../security-headers.ts";

export interface PlaygroundOptions {
  /** The path of the GraphQL endpoint, for example `/graphql`. */
  graphqlPath: string;
  /** The folder that `npm run build` writes: `dist/playground`. */
  assetsDir: string;
  /** The entries of the Examples panel, in order. A first visit opens the first one. See `loadExamples`. */
  examples: PlaygroundExample[];
  banner: PlaygroundBanner;
}

/** Answers a GET of a browser with the page. Leaves any other GET to the handler of the route. */
export type AnswerBrowser = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

/**
 * Serves the playground's files under `<graphqlPath>-playground/`. Throws if `assetsDir` has no build.
 *
 * @returns an onRequest hook for GETs of `graphqlPath`: it answers browsers that send no `query` with the page.
 */
export async function registerPlayground(
  app: FastifyInstance,
  { assetsDir, graphqlPath, banner, examples }: PlaygroundOptions,
): Promise<AnswerBrowser> {
  const assetsPath = `${graphqlPath}-playground`;
  const renderPage = await registerBuiltPage(app, { name: "playground", assetsDir, assetsPath });
  return async (request, reply) => {
    if (!isBrowserVisit(request.raw)) return undefined;
    const styleNonce = randomBytes(16).toString("base64");
    return reply
      .headers(playgroundPageHeaders(styleNonce))
      .header("vary", "accept")
      .type("text/html; charset=utf-8")
      .send(renderPage({ banner, examples, styleNonce } satisfies PlaygroundBootData));
  };
}

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
