import type { Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { FastifyRequest } from "fastify";
import type { GraphQLSchema } from "graphql";
import { AccountRegister } from "../audit/account-register.ts";
import { CallerPauses } from "../audit/caller-pauses.ts";
import { DueChanges } from "../audit/due-changes.ts";
import type { RefusalLog } from "../audit/refusal-log.ts";
import { type Accounts, DEFAULT_ACCOUNT } from "../auth/accounts.ts";
import { type Authenticator, isIn } from "../auth/authenticator.ts";
import { mayUseAccount } from "../auth/policy/decide-access.ts";
import { PolicyFile, policyTerms } from "../auth/policy/policy-file.ts";
import { ChangeAccess, PausedCallers } from "../changes/change-access.ts";
import { ChangeService } from "../changes/change-service.ts";
import { RecentWrites } from "../changes/changes-of-user.ts";
import { type Clock, systemClock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import { Admission } from "../graphql/admission.ts";
import { createApolloServer } from "../graphql/apollo-server.ts";
import type { GraphQLContext } from "../graphql/context.ts";
import { AccountLoaders, type LoaderOptions } from "../graphql/loaders.ts";
import { createResolvers, gatewaySchema } from "../graphql/schema.ts";
import { createHttpApp, GRAPHQL_PATH } from "../http/app.ts";
import { CallerRate } from "../http/caller-rate.ts";
import { CONSOLE_DOCUMENTS } from "../http/console/console.ts";
import type { RequestDetails } from "../http/graphql/graphql-route.ts";
import { TrustedDocuments } from "../http/graphql/trusted-documents.ts";
import { keepTlsFresh, readTls } from "../http/tls.ts";
import { SharedWindows } from "../quota/shared-rate-budget.ts";
import { Health } from "../telemetry/health.ts";
import { createLogger, type Logger } from "../telemetry/logger.ts";
import { changeObserver } from "./change-observers.ts";
import type { Account } from "./create-account.ts";
import { createAuthenticator } from "./create-authenticator.ts";
import type { Foundation } from "./foundation.ts";
import {
  connectionObserver,
  policyObserver,
  quotaObserver,
  reportRejectedToken,
  reportUnlistedAccounts,
  tlsObserver,
} from "./observers.ts";
import { countOrphanedChanges, openAccounts } from "./open-accounts.ts";
import { openDirectory, openReadsBehind } from "./open-directory.ts";
import { openJobs } from "./open-jobs.ts";
import { openDatabase, openEvents, openRecord, startCheckpoints, watchDatabase } from "./open-record.ts";
import { openRollouts } from "./open-rollouts.ts";
import { openWebhooks } from "./open-webhooks.ts";
import { pagesOf } from "./pages.ts";
import { openAdminPort, startTelemetry } from "./start-telemetry.ts";

/**
 * The composition root: builds every part with its dependencies, and closes all parts in reverse order. start() lists
 * the parts in their order. open-record.ts and open-accounts.ts build the two largest parts.
 */
export interface Gateway {
  /** Opens all parts and listens. If a part cannot start, closes the others and rejects. */
  start(): Promise<void>;
  /** Takes no new work, finishes changes under way, and closes all parts. */
  stop(): Promise<void>;
  /** Throws before start() has resolved. */
  readonly address: GatewayAddress;
}

export interface GatewayAddress {
  /** The GraphQL endpoint, for example `http://127.0.0.1:4000/graphql`. */
  readonly url: string;
  /** The admin port, for example `http://127.0.0.1:9464`. */
  readonly admin: string | undefined;
  /** The embedded emulators that replace CAM, by the account's name. */
  readonly emulators: ReadonlyMap<string, { readonly url: string; readonly controlUrl: string }>;
}

/** Parts that tests replace. The process passes its logger. */
interface GatewayOverrides {
  readonly clock?: Clock;
  readonly logger?: Logger;
  readonly authenticator?: Authenticator;
}

export function createGateway(config: Config, overrides: GatewayOverrides = {}): Gateway {
  const clock = overrides.clock ?? systemClock;
  const logger = overrides.logger ?? createLogger({ level: config.logLevel });
  const open = new AsyncDisposableStack();
  const health = new Health(clock);
  const base = { config, clock, logger, open };
  let address: GatewayAddress | undefined;
  let stopped: Promise<void> | undefined;

  async function start(): Promise<void> {
    const foundation = { ...base, ...(await startTelemetry(base, health)) };
    const { telemetry } = foundation;
    const admin = await openAdminPort(foundation);
    const authenticator = overrides.authenticator ?? (await openAuthenticator(foundation));
    const policy = await openPolicy(foundation);
    const database = await openDatabase(foundation);
    const record = await openRecord(foundation, database);
    const { replica } = config;
    const windows = new SharedWindows({ database, clock, replica, observer: quotaObserver(telemetry) });
    open.defer(() => windows.close());
    await watchDatabase(foundation, database, windows);
    const { accounts, live, emulators } = await openAccounts(
      foundation,
      {
        ...{ windows, log: record.log, reads: openReadsBehind(foundation, database) },
        register: new AccountRegister(database, replica),
        due: new DueChanges(database, clock),
      },
      (caller, name) => mayUseAccount(policy?.current, caller, name),
    );
    const jobs = openJobs(foundation, database);
    const known = openDirectory(foundation, database, accounts, jobs.parts, policy);
    const webhooks = await openWebhooks(foundation, database, jobs.parts.send);
    reportAccountsOutsidePolicy(foundation, accounts, policy);
    const recentWrites = new RecentWrites(clock);
    const observer = changeObserver(telemetry);
    const pauses = new CallerPauses(database);
    const pausedCallers = new PausedCallers({ pauses, observer });
    const access = new ChangeAccess({ policy, accounts, clock });
    const changes = new ChangeService({
      ...{ accounts, access, clock, pausedCallers, recentWrites, observer },
      ...{ log: record.log, approvalLog: record.approvalLog, rolloutLog: record.rolloutLog },
    });
    const { events, refusals } = openEvents(foundation, database);
    const checkpointer = await startCheckpoints(foundation, database, record.keys);
    countOrphanedChanges(foundation, live, record.log);
    open.defer(() => changes.idle());
    const { log } = record;
    const { directory } = known;
    const rollouts = openRollouts(foundation, {
      ...{ database, accounts, changes, directory, policy, pauses, jobs: jobs.parts },
      ...{ checkpointer, rolloutLog: record.rolloutLog, seal: record.sharedSeal },
    });
    const nouns = { changes, pausedCallers, log, events, accounts, ...known, ...rollouts };
    const schema = gatewaySchema();
    const resolvers = createResolvers(nouns);
    const apollo = await startApollo(foundation, schema);
    const url = await listen(foundation, {
      ...{ apollo, authenticator },
      admit: createAdmission(foundation, schema, accounts),
      createContext: (request, details) =>
        createContext(
          foundation,
          accounts,
          { resolvers, recentWrites, refusals, directory },
          request,
          details,
        ),
    });
    health.serve();
    address = { url, admin, emulators };
    jobs.queue.start([...known.scans.jobs, ...rollouts.jobs, ...(webhooks?.jobs ?? [])]);
    rollouts.lanes.start();
    live.follow(() => {
      reportAccountsOutsidePolicy(foundation, accounts, policy);
      void known.scans.followAccounts();
    });
    open.defer(() => live.unfollow());
  }

  /** A second call waits for the first: a second signal must not end the process while changes finish. */
  function stop(): Promise<void> {
    health.stop();
    stopped ??= open.disposeAsync();
    return stopped;
  }

  return {
    start: () =>
      start().catch(async (error: unknown) => {
        await stop();
        throw error;
      }),
    stop,
    get address() {
      if (address === undefined) throw new Error("The gateway has no address before start() has resolved.");
      return address;
    },
  };
}

async function openAuthenticator({ config, clock, telemetry, open }: Foundation): Promise<Authenticator> {
  const proxy = config.cam?.proxy ?? {};
  const { authenticator, close } = await createAuthenticator(config.auth, { clock, telemetry, proxy });
  open.defer(close);
  return authenticator;
}

async function openPolicy({ config, clock, telemetry, open }: Foundation): Promise<PolicyFile | undefined> {
  if (config.policyFile === undefined) return undefined;
  const observer = policyObserver(telemetry);
  const policy = await PolicyFile.open(config.policyFile, policyTerms(config), observer, clock);
  open.defer(() => policy.close());
  return policy;
}

function reportAccountsOutsidePolicy(
  { telemetry }: Foundation,
  accounts: Accounts<Account>,
  policy: PolicyFile | undefined,
): void {
  if (policy === undefined) return;
  const named = accounts.all.map(({ name }) => name).filter((name) => name !== DEFAULT_ACCOUNT);
  reportUnlistedAccounts(telemetry, named, Object.keys(policy.current.accounts));
}

async function startApollo({ config, logger, open }: Foundation, schema: GraphQLSchema) {
  const apollo = createApolloServer({
    ...{ schema, introspection: config.http.introspection },
    logger: logger.forLibrary("apollo"),
    onUnexpectedError: (err, requestId) => logger.report("internal_error", { err, requestId }),
  });
  await apollo.start();
  open.defer(() => apollo.stop());
  return apollo;
}

/** Returns the check of an operation's cost against the accounts that its caller may use. */
function createAdmission(
  { config }: Foundation,
  schema: GraphQLSchema,
  accounts: Accounts<Account>,
): HttpParts["admit"] {
  const admission = new Admission({ schema, introspection: config.http.introspection });
  const { deadlineMs } = config.camLimits;
  return (operation, caller) =>
    admission.admit(operation, {
      deadlineMs,
      slowest: Math.min(...accounts.all.map(({ ratePerSecond }) => ratePerSecond)),
      // Only an operation that was not measured before needs the accounts of the caller.
      get rates() {
        return new Map(accounts.visibleTo(caller).map(({ name, ratePerSecond }) => [name, ratePerSecond]));
      },
    });
}

function createContext(
  { config, clock }: Foundation,
  accounts: Accounts<Account>,
  {
    resolvers,
    refusals,
    ...parts
  }: Pick<LoaderOptions, "recentWrites" | "directory"> &
    Pick<GraphQLContext, "resolvers"> & { readonly refusals: RefusalLog },
  { id: requestId }: FastifyRequest,
  details: RequestDetails,
): GraphQLContext {
  const deadlineMs = clock.monotonic() + config.camLimits.deadlineMs;
  const { caller } = details;
  const loaders = new AccountLoaders(accounts, { requestId, deadlineMs, caller, clock, ...parts });
  const noteRefusal: GraphQLContext["noteRefusal"] = (refusal) => refusals.note(refusal);
  return { requestId, deadlineMs, resolvers, loaders, noteRefusal, ...details };
}

type HttpParts = Pick<
  Parameters<typeof createHttpApp>[0],
  "apollo" | "authenticator" | "admit" | "createContext"
>;

/** Listens for HTTP and returns the address of the GraphQL endpoint. */
async function listen(
  { config, clock, logger, telemetry, open }: Foundation,
  parts: HttpParts,
): Promise<string> {
  const { host, port, tls, keepAliveMs, hostnames, maxConnections, proxies, trustedDocuments } = config.http;
  const { report } = logger;
  const documents = trustedDocuments && {
    ...trustedDocuments,
    own: config.http.console === undefined ? [] : CONSOLE_DOCUMENTS,
    onUntrusted: (operation: object) => report("documents.untrusted", operation),
  };
  const app = await createHttpApp({
    ...parts,
    ...{ keepAliveMs, hostnames, logger },
    telemetry,
    onRejectedToken: (refusal, requestId) => reportRejectedToken(telemetry, refusal, requestId),
    callerRate: new CallerRate(config.http.callerRatePerSecond),
    trustedDocuments: documents && (await TrustedDocuments.load(documents)),
    connections: {
      ...{ maxConnections, clock, longestAnswerMs: config.camLimits.deadlineMs },
      isProxy: isIn(proxies),
      observer: connectionObserver(telemetry),
    },
    tls: tls && (await readTls(tls)),
    ...(await pagesOf(config)),
  });
  open.defer(() => app.close());
  if (tls !== undefined)
    open.defer(keepTlsFresh(app.server as unknown as Server, tls, tlsObserver(telemetry)));
  await app.listen({ host, port });
  const address = app.server.address() as AddressInfo;
  const name = host.includes(":") ? `[${host}]` : host;
  return `${tls === undefined ? "http" : "https"}://${name}:${address.port}${GRAPHQL_PATH}`;
}
