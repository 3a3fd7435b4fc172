/**
 * The composition root: builds every part with its dependencies, and closes all parts in reverse order. start() lists
 * the parts in their order. The files open-*.ts build the parts, and turn what these report into log events, metrics and
 * states.
 */

import { AccountRegister } from "../audit/account-register.ts";
import { CallerPauses } from "../audit/caller-pauses.ts";
import { DueChanges } from "../audit/due-changes.ts";
import type { Authenticator } from "../auth/authenticator.ts";
import { mayUseAccount } from "../auth/policy/decide-access.ts";
import { RecentWrites } from "../changes/changes-of-user.ts";
import { type Clock, systemClock } from "../clock.ts";
import type { Config } from "../config/config.ts";
import { createResolvers } from "../graphql/schema.ts";
import { Health } from "../telemetry/health.ts";
import { createLogger, type Logger } from "../telemetry/logger.ts";
import { countOrphanedChanges, openAccounts, openQuota } from "./open-accounts.ts";
import { openAuthenticator, openPolicy, reportAccountsOutsidePolicy } from "./open-auth.ts";
import { openChanges } from "./open-changes.ts";
import { openDatabase, openJobs, watchDatabase } from "./open-database.ts";
import { openDirectory, openWriteBehind } from "./open-directory.ts";
import { openHttp } from "./open-http.ts";
import { openEvents, openRecord, startCheckpoints } from "./open-record.ts";
import { openRollouts } from "./open-rollouts.ts";
import { openWebhooks } from "./open-webhooks.ts";
import { openAdminPort, startTelemetry } from "./start-telemetry.ts";

/** One process of the gateway. */
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
  const closers = new AsyncDisposableStack();
  const health = new Health(clock);
  const base = { config, clock, logger, closers };
  let address: GatewayAddress | undefined;
  let stopped: Promise<void> | undefined;

  async function start(): Promise<void> {
    const foundation = { ...base, ...(await startTelemetry(base, health)) };
    const admin = await openAdminPort(foundation);
    const authenticator = overrides.authenticator ?? (await openAuthenticator(foundation));
    const policy = await openPolicy(foundation);
    const database = await openDatabase(foundation);
    const record = await openRecord(foundation, database);
    const windows = openQuota(foundation, database);
    await watchDatabase(foundation, database, windows);
    const { accounts, live, emulators } = await openAccounts(
      foundation,
      {
        ...{ windows, changeStore: record.changeStore, reads: openWriteBehind(foundation, database) },
        register: new AccountRegister(database, config.replica),
        due: new DueChanges(database, clock),
      },
      (caller, name) => mayUseAccount(policy?.current, caller, name),
    );
    const jobs = openJobs(foundation, database);
    const directoryParts = openDirectory(foundation, database, accounts, jobs.parts, policy);
    const webhooks = await openWebhooks(foundation, database, jobs.parts.send);
    reportAccountsOutsidePolicy(foundation, accounts, policy);
    const { events, refusals } = openEvents(foundation, database);
    const checkpointer = await startCheckpoints(foundation, database, record.keys);
    countOrphanedChanges(foundation, live, record.changeStore);
    const recentWrites = new RecentWrites(clock);
    const pauses = new CallerPauses(database);
    const changeParts = { ...record, accounts, policy, pauses, recentWrites };
    const { changes, pausedCallers } = openChanges(foundation, changeParts);
    const { changeStore } = record;
    const { directory } = directoryParts;
    const rollouts = openRollouts(foundation, {
      ...{ database, accounts, changes, directory, policy, pauses, jobs: jobs.parts },
      ...{ checkpointer, rolloutChangeStore: record.rolloutChangeStore, requestMacs: record.sharedMacs },
    });
    const resolverParts = {
      changes,
      pausedCallers,
      changeStore,
      events,
      accounts,
      ...directoryParts,
      ...rollouts,
    };
    const resolvers = createResolvers(resolverParts);
    const httpParts = { authenticator, accounts, resolvers, refusals, recentWrites, directory };
    const url = await openHttp(foundation, httpParts);
    health.serve();
    address = { url, admin, emulators };
    jobs.queue.start([...directoryParts.scans.jobs, ...rollouts.jobs, ...(webhooks?.jobs ?? [])]);
    rollouts.runner.start();
    live.follow(() => {
      reportAccountsOutsidePolicy(foundation, accounts, policy);
      void directoryParts.scans.followAccounts();
    });
    closers.defer(() => live.unfollow());
  }

  /** A second call waits for the first: a second signal must not end the process while changes finish. */
  function stop(): Promise<void> {
    health.stop();
    stopped ??= closers.disposeAsync();
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
