import { randomUUID } from "node:crypto";
import type { AddressInfo } from "node:net";
import { z } from "zod";
import { EXAMPLE_KEY } from "../support/example-key.ts";

/**
 * The gateway's own compiled parts, wired as `src/gateway.ts` wires them, but for the database: changes are kept in
 * memory, and the quota in this process. What the record costs is what the whole gateway needs beyond this.
 */
const upstreamUrl = z.url().parse(process.env["UPSTREAM_URL"]);
/** More than it can make, so that nothing waits. */
const CALLS_PER_SECOND = 2_000;
const DEADLINE_MS = 120_000;

const compiled = <Module>(path: string): Promise<Module> =>
  import(new URL(`../../dist/${path}`, import.meta.url).href) as Promise<Module>;
const { createApolloServer } =
  await compiled<typeof import("../../src/graphql/apollo-server.ts")>("graphql/apollo-server.js");
const { buildGatewaySchema } =
  await compiled<typeof import("../../src/graphql/schema.ts")>("graphql/schema.js");
const { createLoaders } = await compiled<typeof import("../../src/graphql/loaders.ts")>("graphql/loaders.js");
const { FlagReads } =
  await compiled<typeof import("../../src/graphql/flag-reads.ts")>("graphql/flag-reads.js");
const { createHttpApp } = await compiled<typeof import("../../src/http/app.ts")>("http/app.js");
const { CallerRate } = await compiled<typeof import("../../src/http/caller-rate.ts")>("http/caller-rate.js");
const { BlockWriter } =
  await compiled<typeof import("../../src/changes/block-writer.ts")>("changes/block-writer.js");
const { ChangeService } =
  await compiled<typeof import("../../src/changes/change-service.ts")>("changes/change-service.js");
const { LocalRateBudget } = await compiled<typeof import("../../src/quota/local-rate-budget.ts")>(
  "quota/local-rate-budget.js",
);
const { systemClock: clock } = await compiled<typeof import("../../src/clock.ts")>("clock.js");
const { localAuthenticator: authenticator } =
  await compiled<typeof import("../../src/auth/authenticator.ts")>("auth/authenticator.js");
const { Secret } = await compiled<typeof import("../../src/secret.ts")>("secret.js");
const { createLogger } =
  await compiled<typeof import("../../src/observability/logger.ts")>("observability/logger.js");
const { logCamAttempt, logChanges } = await compiled<typeof import("../../src/observability/log-events.ts")>(
  "observability/log-events.js",
);
const parts = await compiled<typeof import("../../src/cam/index.ts")>("cam/index.js");

const logger = createLogger({ level: "info" });
const cam = new parts.CamClient({
  config: {
    endpoint: { origin: upstreamUrl, serviceHost: "cam.tencentcloudapi.com" },
    language: "en-US",
    timeoutMs: 5_000,
  },
  credentials: new parts.CredentialCache({
    chain: parts.createProviderChain([
      parts.createStaticProvider({ ...EXAMPLE_KEY, secretKey: new Secret(EXAMPLE_KEY.secretKey) }),
    ]),
    clock,
  }),
  signer: new parts.Tc3Signer(),
  transport: new parts.HttpTransport({ dispatcher: parts.createDispatcher({ proxy: {} }), clock }),
  budget: new LocalRateBudget({ clock, callsPerSecond: CALLS_PER_SECOND }),
  circuits: new parts.ActionCircuits({ failures: 20, pauseMs: 5_000 }),
  skew: new parts.ClockSkew(clock),
  clock,
  observer: { onAttempt: (attempt) => logCamAttempt(logger, attempt) },
});
const flagReads = new FlagReads({ cam, clock, cacheMs: 0 });
const log = {
  begin: async () => ({ kind: "BEGUN", id: randomUUID() }) as const,
  settle: async () => true,
  find: async () => undefined,
  findByIdempotencyKey: async () => undefined,
  list: async () => [],
};
const changes = new ChangeService({
  writer: new BlockWriter({ cam, clock }),
  log,
  clock,
  observer: logChanges(logger),
});
const apollo = createApolloServer({
  schema: buildGatewaySchema({ changes, log, quota: { quotas: async () => [] } }),
  introspection: false,
  camCallLimit: { callsPerSecond: CALLS_PER_SECOND, deadlineMs: DEADLINE_MS },
  logger,
});
await apollo.start();
const app = await createHttpApp({
  apollo,
  createContext: ({ id: requestId }, details) => {
    const deadlineMs = clock.monotonic() + DEADLINE_MS;
    const caller = details.caller.subject;
    const loaders = createLoaders({ cam, flagReads }, { requestId, deadlineMs, caller });
    return { requestId, deadlineMs, loaders, ...details };
  },
  authenticator,
  onUnbelieved: () => {},
  callerRate: new CallerRate(0),
  trustedDocuments: undefined,
  hostnames: undefined,
  tls: undefined,
  maxConnections: 1_000,
  playground: undefined,
  isReady: () => true,
  logger,
});
await app.listen({ host: "127.0.0.1", port: 0 });
console.log(`listening on http://127.0.0.1:${(app.server.address() as AddressInfo).port}/graphql`);
