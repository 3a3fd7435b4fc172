/** A part of `npm run federated`: the router on the given port, in front of the given gateway and directory. */
import { readFile } from "node:fs/promises";
import { createPlaygroundPage } from "./playground-page.ts";
import { serve } from "./serve.ts";
import { startHiveRouter } from "./start-hive-router.ts";

const [, , port, gatewayUrl = "", directoryUrl = ""] = process.argv;

function readSdl(file: string): Promise<string> {
  return readFile(new URL(`../../schema/${file}`, import.meta.url), "utf8");
}

await serve(async () => {
  const gateway = { name: "cam-mfa", url: gatewayUrl, sdl: await readSdl("subgraph.graphql") };
  const directory = { name: "directory", url: directoryUrl, sdl: await readSdl("example-subgraph.graphql") };
  return startHiveRouter([gateway, directory], Number(port), {}, await createPlaygroundPage());
});
