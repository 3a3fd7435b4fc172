import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { FastifyInstance } from "fastify";
import { pageAssetHeaders } from "./security-headers.ts";

interface BuiltPageOptions {
  /** The name of the page in errors, for example "playground". */
  readonly name: string;
  /** The folder that `npm run build` writes, with index.html and assets/. */
  readonly assetsDir: string;
  /** The path of the page's files, for example `/console-files`. */
  readonly assetsPath: string;
}

/**
 * Serves the files of a page that Vite built, and returns a function that fills in the page's template. Every URL in the
 * page is relative, so a proxy may serve both paths under a prefix. Throws if `assetsDir` has no build.
 */
export async function registerBuiltPage(
  app: FastifyInstance,
  { name, assetsDir, assetsPath }: BuiltPageOptions,
): Promise<(bootData: object) => string> {
  const template = await readFile(join(assetsDir, "index.html"), "utf8").catch((cause: unknown) => {
    const problem = `The ${name} has not been built: ${assetsDir} has no index.html. Run \`npm run build\`.`;
    throw new Error(problem, { cause });
  });
  // Loaded here, because a gateway without pages does not need it.
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
    setHeaders: (reply) => void reply.headers(pageAssetHeaders),
  });
  return (bootData) => {
    // A data block ends at the first "</script". With `<` escaped, no text in it can end it.
    const json = JSON.stringify(bootData).replaceAll("<", "\\u003c");
    return template.replaceAll("__ASSETS__", () => `.${assetsPath}`).replace('"__BOOT__"', () => json);
  };
}
