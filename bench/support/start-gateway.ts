import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SOME_POLICY } from "../../test/support/server-env.ts";
import { startPostgres } from "../../test/support/start-postgres.ts";
import { GATEWAY_MAIN } from "./build-gateway.ts";
import { AUDIENCE, ISSUER } from "./create-issuer.ts";
import { EXAMPLE_KEY } from "./example-key.ts";
import { writeAccounts } from "./fleet-accounts.ts";
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
  /** The address of the record's database, instead of `store`. */
  readonly databaseUrl?: string;
  /** The number of accounts, named by `accountName`, each with CAM's rate and a key of its own. */
  readonly accounts?: number;
  /** Additional variables. */
  readonly env?: Readonly<Record<string, string>>;
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
  const { accounts: count, databaseUrl, env } = options;
  const profiling = profileDir === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profileDir}`];
  const gateway = await startProgram({
    args: [...profiling, "--expose-gc", GATEWAY_MAIN, "serve", ...(issuer === undefined ? ["--local"] : [])],
    env: {
      ...upstream.env,
      PORT: "0",
      ADMIN_PORT: "0",
      PLAYGROUND: "off",
      // A scan would add calls to those that are measured.
      DIRECTORY_SCAN_INTERVAL: "off",
      CAM_ENDPOINT: upstream.url,
      CAM_RATE_PER_SECOND: String(ratePerSecond),
      ...(issuer === undefined ? { CALLER_RATE_PER_SECOND: "0" } : serverEnv(issuer.jwksFile)),
      // Other load on the machine may slow a benchmark down but must not end it.
      CAM_DEADLINE_MS: "120000",
      TENCENTCLOUD_SECRET_ID: EXAMPLE_KEY.secretId,
      TENCENTCLOUD_SECRET_KEY: EXAMPLE_KEY.secretKey,
      ...(count === undefined ? {} : await accountsIn(parts, { count, endpoint: upstream.url })),
      // In local mode every caller is the developer, who needs no policy.
      ...(issuer === undefined ? { POLICY_FILE: "" } : {}),
      ...(databaseUrl === undefined ? await emptyStore(parts, store) : { DATABASE_URL: databaseUrl }),
      ...env,
    },
    ready: /GraphQL +(http:\S+)/,
  });
  return parts.use(gateway);
}

/** Uses the default limits of callers. */
function serverEnv(jwksFile: string): Readonly<Record<string, string>> {
  return { AUTH_ISSUER: ISSUER, AUTH_JWKS_FILE: jwksFile, AUTH_AUDIENCE: AUDIENCE, ...SOME_POLICY };
}

async function emptyStore(
  parts: AsyncDisposableStack,
  store: "pglite" | "postgres",
): Promise<Readonly<Record<string, string>>> {
  if (store === "pglite") return { DATA_DIR: join(await emptyFolder(parts), "data") };
  const postgres = await startPostgres();
  parts.defer(() => postgres.stop());
  return { DATABASE_URL: postgres.url };
}

async function accountsIn(
  parts: AsyncDisposableStack,
  accounts: { readonly count: number; readonly endpoint: string },
): Promise<Readonly<Record<string, string>>> {
  return writeAccounts(await emptyFolder(parts), accounts);
}

async function emptyFolder(parts: AsyncDisposableStack): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "cam-gateway-bench-"));
  parts.defer(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
