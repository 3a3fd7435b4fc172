import { readdir, readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

/** The page has not been built, so there is nothing to serve. */
export class PlaygroundNotBuiltError extends Error {
  constructor(directory: string, cause: unknown) {
    super(`The playground has not been built: ${directory} has no index.html. Run \`npm run build\`.`, {
      cause,
    });
    this.name = "PlaygroundNotBuiltError";
  }
}

export interface BuiltPlayground {
  /** index.html with `__ASSETS__` and `"__BOOT__"` still to be filled in. */
  pageTemplate: string;
  /** Everything else by file name. */
  assets: ReadonlyMap<string, BuiltAsset>;
}

/** One file that the page loads. Its name carries a hash of its content. */
export class BuiltAsset {
  readonly type: string;
  readonly content: Buffer;
  #gzipped: Promise<Buffer> | undefined;

  constructor(type: string, content: Buffer) {
    this.type = type;
    this.content = content;
  }

  /** WOFF files are compressed already. */
  get compressible(): boolean {
    return !this.type.startsWith("font/woff");
  }

  /** Compressed on first use and kept: a quarter of the size for the scripts, which are most of the page. */
  gzipped(): Promise<Buffer> {
    this.#gzipped ??= promisify(gzip)(this.content);
    return this.#gzipped;
  }
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".ttf": "font/ttf",
  ".woff": "font/woff",
  ".woff2": "font/woff2",
};

/**
 * Reads the whole build (about 7 MB) into memory. A name that was not there at start-up does not exist, so no
 * request can reach outside the folder; and a rebuild under a running gateway cannot mix two builds in one page.
 */
export async function loadBuiltPlayground(directory: string): Promise<BuiltPlayground> {
  const pageTemplate = await readFile(join(directory, "index.html"), "utf8").catch((cause: unknown) => {
    throw new PlaygroundNotBuiltError(directory, cause);
  });
  const files = await readdir(join(directory, "assets"));
  const assets = await Promise.all(
    files.map(async (file): Promise<[string, BuiltAsset]> => {
      const type = CONTENT_TYPES[extname(file)];
      if (type === undefined) {
        throw new Error(`No content type is known for the playground file ${file}.`);
      }
      return [file, new BuiltAsset(type, await readFile(join(directory, "assets", file)))];
    }),
  );
  return { pageTemplate, assets: new Map(assets) };
}
