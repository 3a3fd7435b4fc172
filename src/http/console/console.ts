import type { FastifyInstance } from "fastify";
import { DOCUMENTS } from "../../client/documents.ts";
import type { ConsoleBootData } from "../boot-data.ts";
import { registerBuiltPage } from "../built-page.ts";
import { consolePageHeaders } from "../security-headers.ts";

export interface ConsoleOptions {
  /** The folder that `npm run build` writes: `dist/console`. */
  readonly assetsDir: string;
  readonly boot: ConsoleBootData;
}

const CONSOLE_PATH = "/console";

/** The operations that the console sends. They count as trusted documents. */
export const CONSOLE_DOCUMENTS: readonly string[] = Object.values(DOCUMENTS);

/** Serves the console at CONSOLE_PATH. The page sends operations of the published client to the GraphQL endpoint. */
export async function registerConsole(
  app: FastifyInstance,
  { assetsDir, boot }: ConsoleOptions,
): Promise<void> {
  const assetsPath = `${CONSOLE_PATH}-files`;
  const renderPage = await registerBuiltPage(app, { name: "console", assetsDir, assetsPath });
  const headers = consolePageHeaders(boot.signIn && new URL(boot.signIn.issuer).origin);
  const page = renderPage(boot);
  app.get(CONSOLE_PATH, (_request, reply) =>
    reply.headers(headers).type("text/html; charset=utf-8").send(page),
  );
}
