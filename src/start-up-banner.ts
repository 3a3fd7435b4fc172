import type { Config } from "./config.ts";
import type { GatewayAddress } from "./gateway.ts";

/** What a person needs to know once the gateway listens. */
export function startUpBanner(config: Config, address: GatewayAddress): string {
  const lines = [
    "",
    `CAM MFA gateway, ${config.mode} mode`,
    `  GraphQL     ${address.url}${config.http.playground ? "   (open it in a browser for the playground)" : ""}`,
  ];
  if (address.emulator !== undefined) {
    lines.push(
      `  CAM         an emulator on this machine, ${address.emulator.url}; nothing reaches Tencent Cloud`,
      `  Its control ${address.emulator.controlUrl}`,
    );
  } else if (config.cam !== undefined) {
    const { origin } = config.cam.endpoint;
    const isTencent = /\.tencentcloudapi\.[a-z.]+(:\d+)?$/.test(origin);
    lines.push(
      `  CAM         ${isTencent ? "the REAL one" : "the one"} at ${origin}; changes take effect there`,
    );
  }
  lines.push(...config.notices.map((notice) => `  Note        ${notice}`));
  if (config.mode === "local") lines.push("  Stop with Ctrl-C.");
  return `${lines.join("\n")}\n`;
}
