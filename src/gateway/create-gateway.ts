import type { Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { ApprovalLog } from "../audit/approval-log.ts";
import { CallerPauses } from "../audit/caller-pauses.ts";
import { ChainAnchors } from "../audit/chain-anchors.ts";
import { ChangeLog } from "../audit/change-log.ts";
import { loadSigningKeys, type SigningKeys } from "../audit/checkpoint.ts";
import { AuditCheckpointer } from "../audit/checkpointer.ts";
import { Accounts, DEFAULT_ACCOUNT } from "../auth/accounts.ts";
import type { Authenticator } from "../auth/authenticator.ts";
import { isIn } from "../auth/certificate-authenticator.ts";
import { mayUseAccount } from "../auth/policy/decide-access.ts";
import { PolicyFile, policyTerms } from "../auth/policy/policy-file.ts";
import { ChangeAccess } from "../changes/change-access.ts";
import { ChangeService } from "../changes/change-service.ts";
import { OrphanedChanges } from "../changes/orphaned-changes.ts";
import { PausedCallers } from "../changes/paused-callers.ts";
import { RecentWrites } from "../changes/recent-writes.ts";
import { Reconciler } from "../changes/reconciler.ts";
import { type Clock, systemClock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import type { Database } from "../database/database.ts";
import { Admission } from "../graphql/admission.ts";
import { createApolloServer } from "../graphql/apollo-server.ts";
import type { GraphQLContext } from "../graphql/context.ts";
import { AccountLoaders } from "../graphql/loaders.ts";
import { buildGatewaySchema } from "../graphql/schema.ts";
import { createHttpApp, GRAPHQL_PATH } from "../http/app.ts";
import { CallerRate } from "../http/caller-rate.ts";
import type { RequestDetails } from "../http/graphql/graphql-route.ts";
import { TrustedDocuments } from "../http/graphql/trusted-documents.ts";
import type { PlaygroundBanner } from "../http/playground/boot-data.ts";
import { loadExamples } from "../http/playground/examples.ts";
import { keepTlsFresh, readTls } from "../http/tls.ts";
import { SharedWindows } from "../quota/shared-windows.ts";
import {
  changeObserver,
  connectionObserver,
  policyObserver,
  quotaObserver,
  reconcilerObserver,
  reportRejectedToken,
  reportUnlistedAccounts,
  tlsObserver,
} from "../telemetry/log-observers.ts";
import { createLogger, type Logger } from "../telemetry/logger.ts";
import { createAuthenticator } from "./create-authenticator.ts";
import type { Account } from "./open-accounts.ts";
import { openAccounts } from "./open-accounts.ts";
import { openStore } from "./open-store.ts";
import { EXAMPLES_DIR, PLAYGROUND_ASSETS_DIR } from "./package-paths.ts";
import { openRequestSeal } from "./request-seal-key.ts";

/** Parts that tests replace (the clock, where log lines go, who callers are taken for), and what only a process knows. */
export interface GatewayOverrides {
  readonly clock?: Clock;
  readonly logger?: Logger;
  readonly authenticator?: Authenticator;
}

export interface Gateway {
  /** Brings everything up and listens. Rejects, with everything taken down again, where a part cannot start. */
  start(): Promise<void>;
  /** Takes no new work, lets changes under way finish, and takes everything down. */
  stop(): Promise<void>;
  /** What it runs on, once started. */
  readonly address: GatewayAddress;
}

export interface GatewayAddress {
  /** The GraphQL endpoint, for example `http://127.0.0.1:4000/graphql`. */
  readonly url: string;
  /** The embedded emulators that stand in for CAM, by the account's name. */
  readonly emulators: ReadonlyMap<string, { readonly url: string; readonly controlUrl: string }>;
}

/** The composition root: every part is made here and handed what it needs. */
export function createGateway(config: Config, overrides: GatewayOverrides = {}): Gateway {
  const clock = overrides.clock ?? systemClock;
  const logger = overrides.logger ?? createLogger({ level: config.logLevel });
  const closers: (() => Promise<void>)[] = [];
  let address: GatewayAddress | undefined;
  let accepting = false;
  let stopped: Promise<void> | undefined;

  async function start(): Promise<void> {
    const authenticator = overrides.authenticator ?? (await openAuthenticator());
    const policy = await openPolicy();
    const database = await openStore(config.store, (err) =>
      logger.report("database.connection_broken", { err }),
    );
    closers.push(() => database.close());
    const { replica, camLimits: limits, bulkGuard: guard } = config;
    const windows = new SharedWindows({ database, clock, replica, observer: quotaObserver(logger.report) });
    closers.push(async () => windows.close());
    const opened = await openAccounts(config, { limits, windows, clock, logger }, closers);
    const accounts = new Accounts(opened.accounts, (caller, name) =>
      mayUseAccount(policy?.current, caller, name),
    );
    const named = accounts.all.map(({ name }) => name).filter((name) => name !== DEFAULT_ACCOUNT);
    if (policy !== undefined)
      reportUnlistedAccounts(logger.report, named, Object.keys(policy.current.accounts));
    const keys = config.checkpoints && (await loadSigningKeys(config.checkpoints));
    const seal = await openRequestSeal(config, keys);
    const log = new ChangeLog({ database, replica, guard, seal });
    const observer = changeObserver(logger.report);
    const recentWrites = new RecentWrites(clock);
    const pausedCallers = new PausedCallers({ pauses: new CallerPauses(database), observer });
    const changes = new ChangeService({
      ...{ accounts, log, clock, pausedCallers, recentWrites, observer },
      access: new ChangeAccess({ policy, accounts, clock }),
      approvalLog: new ApprovalLog({
        database,
        replica,
        guard,
        seal,
        report: logger.report,
      }),
    });
    const reconcilers = accounts.all.map(
      (account) =>
        new Reconciler({
          ...{ account, log, clock },
          deadlineMs: limits.deadlineMs,
          observer: reconcilerObserver(logger.report),
        }),
    );
    const checkpointer = await createCheckpointer(database, keys);
    await checkpointer?.start();
    closers.push(async () => checkpointer?.stop());
    for (const reconciler of reconcilers) {
      reconciler.start();
      closers.push(() => reconciler.stop());
    }
    const orphanedChanges = new OrphanedChanges({
      ...{ log, clock },
      accounts: accounts.all.map(({ name }) => name),
      observer: {
        onOrphaned: (account, changes) => logger.report("change.orphaned", { account, changes }),
        onError: (err) => logger.report("change.orphans_not_counted", { err }),
      },
    });
    orphanedChanges.start();
    closers.push(() => orphanedChanges.stop());
    for (const { gatewayIdentity } of accounts.all) closers.push(() => gatewayIdentity.stop());
    closers.push(() => changes.idle());
    const { introspection } = config.http;
    const schema = buildGatewaySchema({ changes, pausedCallers, log, accounts });
    const admission = new Admission({ schema, introspection });
    const apollo = createApolloServer({
      ...{ schema, introspection },
      logger: logger.forLibrary("apollo"),
      observer: {
        onUnexpectedError: (err, requestId) => logger.report("internal_error", { err, requestId }),
      },
    });
    await apollo.start();
    closers.push(() => apollo.stop());
    const {
      maxConnections,
      keepAliveMs,
      proxies,
      hostnames,
      callerRatePerSecond,
      tls: tlsFiles,
    } = config.http;
    const app = await createHttpApp({
      apollo,
      admit: (operation, caller) => {
        const visible = accounts.visibleTo(caller);
        const rates = new Map(visible.map(({ name, ratePerSecond }) => [name, ratePerSecond]));
        return admission.admit(operation, { deadlineMs: limits.deadlineMs, rates });
      },
      createContext: (request, details) =>
        createContext(accounts, recentWrites, request, details),
      authenticator,
      onRejectedToken: (refusal, requestId) => reportRejectedToken(logger.report, refusal, requestId),
      callerRate: new CallerRate(callerRatePerSecond),
      trustedDocuments: await loadTrustedDocuments(),
      connections: {
        maxConnections,
        clock,
        isProxy: isIn(proxies),
        observer: connectionObserver(logger.report),
      },
      ...{ keepAliveMs, hostnames },
      tls: tlsFiles && (await readTls(tlsFiles)),
      playground: config.http.playground ? await playgroundParts(config) : undefined,
      isReady: () => accepting,
      logger,
    });
    closers.push(() => closeApp(app));
    if (tlsFiles !== undefined) {
      const stopLooking = keepTlsFresh(app.server as unknown as Server, tlsFiles, tlsObserver(logger.report));
      closers.push(async () => stopLooking());
    }
    await app.listen({ host: config.http.host, port: config.http.port });
    accepting = true;
    const { port } = app.server.address() as AddressInfo;
    const scheme = tlsFiles === undefined ? "http" : "https";
    address = {
      url: `${scheme}://${urlHost(config.http.host)}:${port}${GRAPHQL_PATH}`,
      emulators: opened.emulators,
    };
    for (const { gatewayIdentity } of accounts.all) gatewayIdentity.start();
  }

  async function openAuthenticator(): Promise<Authenticator> {
    const proxy = config.cam?.proxy ?? {};
    const { authenticator, close } = await createAuthenticator(config.auth, { clock, logger, proxy });
    closers.push(close);
    return authenticator;
  }

  async function openPolicy(): Promise<PolicyFile | undefined> {
    if (config.policyFile === undefined) return undefined;
    const policy = await PolicyFile.open(
      config.policyFile,
      policyTerms(config),
      policyObserver(logger.report),
      clock,
    );
    closers.push(() => policy.close());
    return policy;
  }

  /** Requests under way finish; what is no request by the deadline of one never will be. */
  async function closeApp(app: FastifyInstance): Promise<void> {
    const cancel = clock.after(config.camLimits.deadlineMs, () => app.server.closeAllConnections());
    await app.close().finally(cancel);
  }

  async function createCheckpointer(
    database: Database,
    keys: SigningKeys | undefined,
  ): Promise<AuditCheckpointer | undefined> {
    if (config.checkpoints === undefined || keys === undefined) return undefined;
    const { anchorFile, intervalMs } = config.checkpoints;
    const { report } = logger;
    const anchors = await ChainAnchors.open({ file: anchorFile, report });
    return new AuditCheckpointer({ database, ...keys, anchors, clock, intervalMs, report });
  }

  async function loadTrustedDocuments(): Promise<TrustedDocuments | undefined> {
    if (config.http.trustedDocuments === undefined) return undefined;
    const onUntrusted = (operation: object) => logger.report("documents.untrusted", operation);
    return TrustedDocuments.load({ ...config.http.trustedDocuments, onUntrusted });
  }

  function createContext(
    accounts: Accounts<Account>,
    recentWrites: RecentWrites,
    { id: requestId }: FastifyRequest,
    details: RequestDetails,
  ): GraphQLContext {
    const deadlineMs = clock.monotonic() + config.camLimits.deadlineMs;
    const { caller } = details;
    const loaders = new AccountLoaders(accounts, { requestId, deadlineMs, caller, recentWrites, clock });
    return { requestId, deadlineMs, loaders, ...details };
  }

  async function takeDown(): Promise<void> {
    accepting = false;
    const failures: unknown[] = [];
    for (const close of closers.splice(0).reverse()) {
      // One part that does not close must not keep the others open.
      await close().catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  }

  /** Whoever asks again waits for the same end: a second signal must not find the work done that is still going on. */
  function stop(): Promise<void> {
    stopped ??= takeDown();
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

async function playgroundParts(config: Config) {
  const banner: PlaygroundBanner =
    config.cam === undefined
      ? { target: "emulator" }
      : { target: "cam", endpoint: config.cam.endpoint.origin };
  return { assetsDir: PLAYGROUND_ASSETS_DIR, examples: await loadExamples(EXAMPLES_DIR), banner };
}

function urlHost(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
