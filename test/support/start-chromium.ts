import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium } from "playwright-core";
import { whenFileIsOver, whenOver } from "./when-over.ts";

const root = join(import.meta.dirname, "../..");

let shared: Promise<Browser> | undefined;

/**
 * Opens a context, which shares no cookie, storage or cache with another one, and closes it after the test. The tests of
 * a file share one browser, because its start takes longer than most tests.
 */
export async function openBrowserContext(options: BrowserContextOptions = {}): Promise<BrowserContext> {
  if (shared === undefined) {
    const browser = startChromium();
    shared = browser;
    whenFileIsOver(async () => {
      shared = undefined;
      await (await browser).close();
    });
  }
  const context = await (await shared).newContext(options);
  whenOver(() => context.close());
  return context;
}

/**
 * Starts the Chromium of `@sparticuz/chromium`. It needs no system packages except glibc and libgcc; NSS, expat and a font
 * are included. It reaches only 127.0.0.1.
 */
async function startChromium(): Promise<Browser> {
  const directory = await unpackChromium();
  return chromium.launch({
    executablePath: join(directory, "chromium"),
    // Chromium's own sandbox refuses to run as root. The package's own flags are left out on purpose: they
    // switch off web security and run everything in one process, which is not what visitors' browsers do.
    chromiumSandbox: false,
    args: ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
    env: {
      HOME: directory,
      LD_LIBRARY_PATH: join(directory, "al2023/lib"),
      FONTCONFIG_FILE: join(directory, "fonts.conf"),
    },
  });
}

/** Unpacks 200 MB once for each version into node_modules/.cache. */
async function unpackChromium(): Promise<string> {
  const manifest = await readFile(join(root, "node_modules/@sparticuz/chromium/package.json"), "utf8");
  const directory = join(root, "node_modules/.cache", `chromium-${JSON.parse(manifest).version}`);
  if (existsSync(directory)) {
    return directory;
  }
  await mkdir(dirname(directory), { recursive: true });
  const staging = await mkdtemp(`${directory}-`);
  // The package unpacks into the temporary folder of its process, skips what it finds there even if another
  // process is still writing it, and adds the shared libraries only where it believes to be on AWS Lambda.
  await promisify(execFile)(
    process.execPath,
    ["--input-type=module", "--eval", "await (await import('@sparticuz/chromium')).default.executablePath()"],
    { cwd: root, env: { TMPDIR: staging, AWS_EXECUTION_ENV: "AWS_Lambda_nodejs24.x" } },
  );
  await writeFile(join(staging, "fonts.conf"), fontsConf(directory));
  await rename(staging, directory).catch(async (error: NodeJS.ErrnoException) => {
    await rm(staging, { recursive: true, force: true });
    // Another process was first; its copy is as good.
    if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") {
      throw error;
    }
  });
  return directory;
}

function fontsConf(directory: string): string {
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${directory}/fonts</dir>
  <cachedir>${directory}/fonts-cache</cachedir>
</fontconfig>
`;
}
