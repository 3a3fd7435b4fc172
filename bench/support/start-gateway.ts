import { startPostgres } from "../../test/support/start-postgres.ts";
import { GATEWAY_MAIN } from "./build-gateway.ts";
import { EXAMPLE_KEY } from "./example-key.ts";
import { type Program, startProgram } from "./program.ts";

export interface GatewayOptions {
  /** What stands in for CAM. */
  readonly upstreamUrl: string;
  /** Where to write a CPU profile when it stops. */
  readonly profileDir?: string | undefined;
}

/**
 * Several times what CAM takes, so that a benchmark need not last for hours, and not more, because the shared window
 * has a place for every call of a second. Loads have to stay well below it, or they would measure waiting.
 */
const CALLS_PER_SECOND = 100;

/**
 * The compiled gateway, with an empty PostgreSQL that goes into `parts` beside it. It is in local mode only in that
 * its callers need no token, as those of the programs that it is compared with need none.
 */
export async function startGateway(parts: AsyncDisposableStack, options: GatewayOptions): Promise<Program> {
  const { upstreamUrl, profileDir } = options;
  const postgres = await startPostgres();
  parts.defer(() => postgres.stop());
  const profiling = profileDir === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profileDir}`];
  const gateway = await startProgram({
    args: [...profiling, GATEWAY_MAIN, "--local"],
    env: {
      PORT: "0",
      PLAYGROUND: "off",
      CAM_ENDPOINT: upstreamUrl,
      CAM_RATE_PER_SECOND: String(CALLS_PER_SECOND),
      // A machine that is busy with other things slows a benchmark down and does not end it.
      CAM_DEADLINE_MS: "120000",
      TENCENTCLOUD_SECRET_ID: EXAMPLE_KEY.secretId,
      TENCENTCLOUD_SECRET_KEY: EXAMPLE_KEY.secretKey,
      DATABASE_URL: postgres.url,
    },
    ready: /GraphQL +(http:\S+)/,
  });
  return parts.use(gateway);
}
