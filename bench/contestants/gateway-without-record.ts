import { randomUUID } from "node:crypto";
import type { AddressInfo } from "node:net";
import { z } from "zod";
import type { Authenticator } from "../../src/auth/authenticator.ts";
import type { IssuerSettings } from "../../src/auth/issuer-settings.ts";
import { compiled } from "../../test/support/compiled.ts";
import { EXAMPLE_KEY } from "../support/example-key.ts";

/**
 * The gateway's own compiled parts, wired as `src/gateway/create-gateway.ts` wires them, but without the database:
 * changes are kept in memory, and calls have no quota. The difference to the whole gateway is the cost of the
 * record.
 */
const upstreamUrl = z.url().parse(process.env["UPSTREAM_URL"]);
const DEADLINE_MS = 120_000;
/** A realistic number of people who use a portal at the same time. */
const CALLERS = 200;

const { createApolloServer } =
  await compiled<typeof import("../../src/graphql/apollo-server.ts")>("graphql/apollo-server.js");
const { Admission } = await compiled<typeof import("../../src/graphql/admission.ts")>("graphql/admission.js");
const { gatewaySchema } = await compiled<typeof import("../../src/graphql/schema.ts")>("graphql/schema.js");
const { SetSubUserMfaResolver } = await compiled<
  typeof import("../../src/graphql/mfa/set-sub-user-mfa.resolver.ts")
>("graphql/mfa/set-sub-user-mfa.resolver.js");
const { SubUserResolver } = await compiled<typeof import("../../src/graphql/sub-user/sub-user.resolver.ts")>(
  "graphql/sub-user/sub-user.resolver.js",
);
const { AccountLoaders } =
  await compiled<typeof import("../../src/graphql/loaders.ts")>("graphql/loaders.js");
const { Accounts } = await compiled<typeof import("../../src/auth/accounts.ts")>("auth/accounts.js");
const { createHttpApp } = await compiled<typeof import("../../src/http/app.ts")>("http/app.js");
const { CallerRate } = await compiled<typeof import("../../src/http/caller-rate.ts")>("http/caller-rate.js");
const { MfaFlagClient } = await compiled<typeof import("../../src/changes/mfa-flag-client.ts")>(
  "changes/mfa-flag-client.js",
);
const { ChangeAccess } =
  await compiled<typeof import("../../src/changes/change-access.ts")>("changes/change-access.js");
const { GatewayIdentity } = await compiled<typeof import("../../src/changes/gateway-identity.ts")>(
  "changes/gateway-identity.js",
);
const { ChangeService } =
  await compiled<typeof import("../../src/changes/change-service.ts")>("changes/change-service.js");
const { PausedCallers } =
  await compiled<typeof import("../../src/changes/change-access.ts")>("changes/change-access.js");
const { RecentWrites } = await compiled<typeof import("../../src/changes/changes-of-user.ts")>(
  "changes/changes-of-user.js",
);
const { ClockSkew, systemClock: clock } = await compiled<typeof import("../../src/clock.ts")>("clock.js");
const { localAuthenticator } =
  await compiled<typeof import("../../src/auth/authenticator.ts")>("auth/authenticator.js");
const { LOCAL_CALLER } = await compiled<typeof import("../../src/auth/caller.ts")>("auth/caller.js");
const { createAuthenticator } =
  await compiled<typeof import("../../src/gateway/open-auth.ts")>("gateway/open-auth.js");
const { Secret } = await compiled<typeof import("../../src/secret.ts")>("secret.js");
const { Health } = await compiled<typeof import("../../src/telemetry/health.ts")>("telemetry/health.js");
const { createLogger } =
  await compiled<typeof import("../../src/telemetry/logger.ts")>("telemetry/logger.js");
const { Metrics } = await compiled<typeof import("../../src/telemetry/metrics.ts")>("telemetry/metrics.js");
const { changeObserver } =
  await compiled<typeof import("../../src/gateway/open-changes.ts")>("gateway/open-changes.js");
const { reportCamAttempt } = await compiled<typeof import("../../src/gateway/account-observer.ts")>(
  "gateway/account-observer.js",
);
const parts = await compiled<typeof import("../../src/cam/index.ts")>("cam/index.js");

const logger = createLogger({ level: "info" });
const health = new Health(clock);
health.serve();
const telemetry = { clock, report: logger.report, health, metrics: new Metrics(), spans: undefined };
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
  quota: parts.unlimitedQuota,
  circuits: new parts.ActionCircuits({ failures: 20 }, clock),
  skew: new ClockSkew(clock),
  clock,
  onAttempt: (attempt) => reportCamAttempt(telemetry, attempt),
});
const flagReads = new parts.FlagReads({ cam, clock, cacheMs: 0 });
const changeStore = {
  begin: async () => ({ kind: "BEGUN", id: randomUUID() }) as const,
  settle: async () => undefined,
  recentWrites: async () => [],
  find: async () => undefined,
  read: async () => undefined,
  findByIdempotencyKey: async () => undefined,
  list: async () => [],
};
const gatewayIdentity = new GatewayIdentity({
  name: "default",
  cam,
  clock,
  timeLimitMs: DEADLINE_MS,
  bind: async (accountUin) => accountUin,
  observer: {
    onKnown: (camIdentity) => telemetry.report("cam.key_accepted", { camIdentity }),
    onUnknown: (err) => telemetry.report("cam.key_not_accepted", { err }),
    onWrongAccount: ({ message: problem }) => telemetry.report("account.elsewhere", { problem }),
  },
});
void gatewayIdentity.start();
const account = {
  name: "default",
  cam,
  flagReads,
  gatewayIdentity,
  mfaFlags: new MfaFlagClient({ cam, clock }),
};
const accounts = new Accounts([account], () => true);
const unused = (): Promise<never> => Promise.reject(new Error("No benchmark uses this."));
const observer = changeObserver(telemetry);
const recentWrites = new RecentWrites(clock);
const pausedCallers = new PausedCallers({
  pauses: { isPaused: unused, list: unused, resume: unused },
  observer,
});
const changes = new ChangeService({
  ...{ accounts, changeStore, clock, recentWrites, pausedCallers, observer },
  access: new ChangeAccess({ policy: undefined, accounts, clock }),
  approvalStore: { approve: unused, reject: unused },
  rolloutChangeStore: { begin: unused, reopen: unused },
});
const schema = gatewaySchema();
/** The resolvers that the benchmarks reach. */
const resolvers = new Map<unknown, object>([
  [SetSubUserMfaResolver, new SetSubUserMfaResolver({ changes, changeStore })],
  [SubUserResolver, new SubUserResolver()],
]);
const admission = new Admission({ schema, introspection: false });
/** Above the achievable rate, so that no operation is refused for its cost. */
const CALLS_PER_SECOND = 2_000;
const camCallLimit = {
  rates: new Map([[account.name, CALLS_PER_SECOND]]),
  slowest: CALLS_PER_SECOND,
  timeLimitMs: DEADLINE_MS,
};
const apollo = createApolloServer({ schema, introspection: false, logger: logger.forLibrary("apollo") });
await apollo.start();
/**
 * Authenticates a caller with a token, if the benchmark names an issuer. A caller without one gets the next simulated
 * identity, as the whole gateway's callers do.
 */
async function createAuthenticators(): Promise<Authenticator> {
  const { ISSUER: issuer, JWKS_FILE: file } = process.env;
  if (issuer === undefined || file === undefined) return localAuthenticator;
  const settings: IssuerSettings = {
    issuer,
    keys: { file },
    audiences: ["cam-mfa-gateway"],
    algorithms: ["RS256"],
    clockToleranceS: 10,
    requiredClaims: [],
    audienceClaim: "aud",
    clientClaims: ["azp", "client_id"],
    scopeClaim: "scope",
    scopePrefixes: [],
    roleClaim: undefined,
    roleScopes: {},
  };
  const target = {
    issuer: settings,
    issuersFile: undefined,
    certificates: undefined,
    certificateSubjectsFile: undefined,
    routerSecret: undefined,
  };
  const { authenticator: byToken } = await createAuthenticator(target, { clock, telemetry, proxy: {} });
  const callers = Array.from({ length: CALLERS }, (_, at) => ({ ...LOCAL_CALLER, subject: `local-${at}` }));
  let next = 0;
  return {
    authenticate: async (request) => {
      if (request.rawHeaders.includes("authorization")) return byToken.authenticate(request);
      return { caller: callers[next++ % CALLERS] ?? LOCAL_CALLER };
    },
  };
}
const app = await createHttpApp({
  apollo,
  admit: (operation) => admission.admit(operation, camCallLimit),
  createContext: ({ id: requestId }, details) => {
    const deadlineMs = clock.monotonic() + DEADLINE_MS;
    const { caller } = details;
    const directory = { find: unused };
    const loaders = new AccountLoaders(accounts, {
      ...{ requestId, deadlineMs, caller, recentWrites, directory, clock },
    });
    return { requestId, deadlineMs, resolvers, loaders, noteRefusal: () => undefined, ...details };
  },
  authenticator: await createAuthenticators(),
  onRejectedToken: () => {},
  callerRate: new CallerRate(0),
  trustedDocuments: undefined,
  hostnames: undefined,
  tls: undefined,
  connections: {
    maxConnections: 1_000,
    longestAnswerMs: 15_000,
    isProxy: () => true,
    clock,
    observer: { onConnectionsRefused: () => undefined },
  },
  keepAliveMs: 60_000,
  playground: undefined,
  console: undefined,
  telemetry,
  logger,
});
await app.listen({ host: "127.0.0.1", port: 0 });
console.log(`listening on http://127.0.0.1:${(app.server.address() as AddressInfo).port}/graphql`);
