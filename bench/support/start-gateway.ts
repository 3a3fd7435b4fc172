import { GATEWAY_MAIN } from "./build-gateway.ts";
import { EXAMPLE_KEY } from "./example-key.ts";
import { type Program, startProgram } from "./program.ts";

export interface GatewayOptions {
  /** What stands in for CAM. */
  readonly upstreamUrl: string;
  /** Where to write a CPU profile when it stops. */
  readonly profileDir?: string | undefined;
}

/** The most that the configuration allows. Loads have to stay below it, or they would measure waiting. */
export const CALLS_PER_SECOND = 1_000;

/** The compiled gateway in server mode, everything that is not the upstream as it is by default. */
export function startGateway({ upstreamUrl, profileDir }: GatewayOptions): Promise<Program> {
  const profiling = profileDir === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profileDir}`];
  return startProgram({
    args: [...profiling, GATEWAY_MAIN],
    env: {
      PORT: "0",
      CAM_ENDPOINT: upstreamUrl,
      CAM_RATE_PER_SECOND: String(CALLS_PER_SECOND),
      TENCENTCLOUD_SECRET_ID: EXAMPLE_KEY.secretId,
      TENCENTCLOUD_SECRET_KEY: EXAMPLE_KEY.secretKey,
    },
    ready: /GraphQL +(http:\S+)/,
  });
}
