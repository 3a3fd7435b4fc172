import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SOME_POLICY } from "../../test/support/some-policy.ts";
import { startPostgres } from "../../test/support/start-postgres.ts";
import { GATEWAY_MAIN } from "./build-gateway.ts";
import { AUDIENCE, ISSUER } from "./create-issuer.ts";
import { EXAMPLE_KEY } from "./example-key.ts";
import { type Program, startProgram } from "./program.ts";
import type { Upstream } from "./upstream.ts";

export interface GatewayOptions {
  /** The stub of CAM. */
  readonly upstream: Upstream;
  /** The folder for a CPU profile, which Node writes at the end. */
  readonly profileDir?: string | undefined;
  /** The database of the record. The default is an empty PostgreSQL. */
  readonly store?: "pglite" | "postgres";
  /** A load must stay below this rate, or it would measure the wait for slots. */
  readonly ratePerSecond?: number;
  /** Runs server mode with tokens of this issuer. Without it, runs local mode without tokens. */
  readonly issuer?: { readonly jwksFile: string };
}

/** The highest rate that the configuration accepts. */
export const MOST_CALLS_PER_SECOND = 1_000;

/**
 * Several times CAM's rate, so that a benchmark does not last for hours. Not higher, because the shared window stores
 * each call of a second.
 */
const CALLS_PER_SECOND = 100;

/**
 * Starts the compiled gateway with an empty store; adds both to `parts`. Without an issuer it runs in local mode,
 * because callers of the other contestants need no token.
 */
export async function startGateway(parts: AsyncDisposableStack, options: GatewayOptions): Promise<Program> {
  const { upstream, profileDir, store = "postgres", ratePerSecond = CALLS_PER_SECOND, issuer } = options;
  const profiling = profileDir === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profileDir}`];
  const gateway = await startProgram({
    args: [...profiling, "--expose-gc", GATEWAY_MAIN, "serve", ...(issuer === undefined ? ["--local"] : [])],
    env: {
      ...upstream.env,
      PORT: "0",
      ADMIN_PORT: "0",
      PLAYGROUND: "off",
      CAM_ENDPOINT: upstream.url,
      CAM_RATE_PER_SECOND: String(ratePerSecond),
      ...(issuer === undefined ? { CALLER_RATE_PER_SECOND: "0" } : serverEnv(issuer.jwksFile)),
      // Other load on the machine may slow a benchmark down but must not end it.
      CAM_DEADLINE_MS: "120000",
      TENCENTCLOUD_SECRET_ID: EXAMPLE_KEY.secretId,
      TENCENTCLOUD_SECRET_KEY: EXAMPLE_KEY.secretKey,
      ...(store === "postgres" ? await emptyPostgres(parts) : await emptyFolder(parts)),
    },
    ready: /GraphQL +(http:\S+)/,
  });
  return parts.use(gateway);
}

/** Uses the default limits of callers. */
function serverEnv(jwksFile: string): Readonly<Record<string, string>> {
  return { AUTH_ISSUER: ISSUER, AUTH_JWKS_FILE: jwksFile, AUTH_AUDIENCE: AUDIENCE, ...SOME_POLICY };
}

async function emptyPostgres(parts: AsyncDisposableStack): Promise<{ DATABASE_URL: string }> {
  const postgres = await startPostgres();
  parts.defer(() => postgres.stop());
  return { DATABASE_URL: postgres.url };
}

async function emptyFolder(parts: AsyncDisposableStack): Promise<{ DATA_DIR: string }> {
  const folder = await mkdtemp(join(tmpdir(), "cam-gateway-bench-"));
  parts.defer(() => rm(folder, { recursive: true, force: true }));
  return { DATA_DIR: join(folder, "data") };
}
