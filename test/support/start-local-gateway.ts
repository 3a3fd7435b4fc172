import { loadConfig } from "../../src/config/config.ts";
import { createGateway, type Gateway } from "../../src/gateway/create-gateway.ts";

/** Starts a gateway in local mode on a free port with the emulator's users. The caller stops it. */
export async function startLocalGateway(store: Readonly<Record<string, string>>): Promise<Gateway> {
  const command = loadConfig({ PORT: "0", LOG_LEVEL: "silent", ...store }, ["--local"]);
  if (command.kind !== "run") throw new Error("The configuration does not say to run.");
  const gateway = createGateway(command.config);
  await gateway.start();
  return gateway;
}
