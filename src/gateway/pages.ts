import type { Config } from "../config/config.ts";
import type { HttpAppDeps } from "../http/app.ts";
import { loadExamples } from "../http/playground/playground.ts";
import { CONSOLE_ASSETS_DIR, EXAMPLES_DIR, PLAYGROUND_ASSETS_DIR } from "./package-paths.ts";

/** Returns the pages that the gateway serves, with the data that the server writes into them. */
export async function pagesOf({ http, cam }: Config): Promise<Pick<HttpAppDeps, "playground" | "console">> {
  return {
    playground: http.playground
      ? {
          assetsDir: PLAYGROUND_ASSETS_DIR,
          examples: await loadExamples(EXAMPLES_DIR),
          banner:
            cam === undefined ? { target: "emulator" } : { target: "cam", endpoint: cam.endpoint.origin },
        }
      : undefined,
    console: http.console && {
      assetsDir: CONSOLE_ASSETS_DIR,
      boot: { signIn: http.console.signIn, isEmulated: cam === undefined },
    },
  };
}
