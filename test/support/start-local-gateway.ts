import { loadConfig } from "../../src/config/config.ts";
import { createGateway, type Gateway } from "../../src/gateway/create-gateway.ts";

/** Starts a gateway in local mode on a free port with the emulator's users. The caller stops it. */
export async function startLocalGateway(store: Readonly<Record<string, string>>): Promise<Gateway> {
  const config = loadConfig({ PORT: "0", LOG_LEVEL: "silent", ...store }, "local");
  const gateway = createGateway(config);
  await gateway.start();
  return gateway;
}
