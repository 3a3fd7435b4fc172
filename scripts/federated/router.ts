/** A part of `npm run federated`: the router on the given port, in front of the given gateway and directory. */
import { readFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { fastify } from "fastify";
import { FEDERATED_EXAMPLES_DIR, PLAYGROUND_ASSETS_DIR } from "../../src/gateway/package-paths.ts";
import { isBrowserVisit, loadExamples, registerPlayground } from "../../src/http/playground/playground.ts";
import { serve } from "./serve.ts";
import type { Page } from "./start-hive-router.ts";
import { startHiveRouter } from "./start-hive-router.ts";

const [, , port, gatewayUrl = "", directoryUrl = ""] = process.argv;

function readSdl(file: string): Promise<string> {
  return readFile(new URL(`../../schema/${file}`, import.meta.url), "utf8");
}

const GRAPHQL_PATH = "/graphql";

/** The gateway's own playground for the router's address, with examples of both subgraphs; it needs no internet. */
async function createPlaygroundPage(): Promise<Page> {
  const app = fastify();
  const answerBrowser = await registerPlayground(app, {
    graphqlPath: GRAPHQL_PATH,
    assetsDir: PLAYGROUND_ASSETS_DIR,
    examples: await loadExamples(FEDERATED_EXAMPLES_DIR),
    banner: { target: "graph", router: "Hive Gateway" },
  });
  app.get(GRAPHQL_PATH, answerBrowser);
  app.get("/", (_request, reply) => reply.redirect(`.${GRAPHQL_PATH}`));
  await app.ready();
  return { isAsked, answer: app.routing };
}

function isAsked(request: IncomingMessage): boolean {
  const { pathname } = new URL(request.url ?? "/", "http://router");
  if (request.method !== "GET") return false;
  return pathname.startsWith(`${GRAPHQL_PATH}-playground/`) || isBrowserVisit(request);
}

await serve(async () => {
  const gateway = { name: "cam-mfa", url: gatewayUrl, sdl: await readSdl("subgraph.graphql") };
  const directory = { name: "directory", url: directoryUrl, sdl: await readSdl("example-subgraph.graphql") };
  return startHiveRouter([gateway, directory], Number(port), {}, await createPlaygroundPage());
});
