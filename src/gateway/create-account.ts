import type { AccountRegister, RegisteredAccount } from "../audit/account-register.ts";
import type { ChangeStore } from "../audit/change-store.ts";
import type { DueChanges } from "../audit/due-changes.ts";
import {
  ActionCircuits,
  CamClient,
  type CamEndpoint,
  CredentialCache,
  type CredentialChain,
  type CredentialChainDeps,
  createCredentialChain,
  createDispatcher,
  createRoleChain,
  FlagReads,
  HttpTransport,
  type ProxySettings,
  Tc3Signer,
} from "../cam/index.ts";
import { GatewayIdentity, withOwnKeys } from "../changes/gateway-identity.ts";
import { MfaFlagClient } from "../changes/mfa-flag-client.ts";
import { Reconciler } from "../changes/reconciler.ts";
import { ClockSkew } from "../clock.ts";
import type { AccountSettings } from "../config/accounts-file.ts";
import type { CamConnection } from "../config/cam-connection.ts";
import type { ScannedAccount } from "../directory/bulk-reads.ts";
import { recordReads, type WriteBehind } from "../directory/write-behind.ts";
import { SharedQuota, type SharedWindows } from "../quota/shared-quota.ts";
import { accountObserver } from "./account-observer.ts";
import type { Foundation } from "./foundation.ts";
import { reconcilerObserver } from "./open-changes.ts";

/**
 * An account of Tencent Cloud. It has its own keys, connections, circuits and reconciler, so a fault of its CAM does
 * not affect another account.
 */
export interface Account extends RegisteredAccount {
  /** Makes calls. The directory gets the result of every read of a user. */
  readonly cam: Pick<CamClient, "call">;
  readonly scanned: ScannedAccount;
  readonly quota: SharedQuota;
  readonly mfaFlags: MfaFlagClient;
  readonly flagReads: FlagReads;
  readonly gatewayIdentity: GatewayIdentity;
  readonly reconciler: Reconciler;
  /** Shows the account's state in health and metrics. */
  watch(): void;
  unwatch(): void;
  /** Stops the tasks of the account, and then closes its connections. */
  close(): Promise<void>;
}

/** The parts that all accounts share. */
export interface SharedParts {
  readonly windows: SharedWindows;
  readonly reads: WriteBehind;
  readonly changeStore: ChangeStore;
  readonly due: DueChanges;
  readonly register: AccountRegister;
}

/** The connection settings of an account's CAM, and the source of its keys. */
export interface Connection {
  readonly endpoint: CamEndpoint;
  readonly proxy: ProxySettings;
  readonly createChain: (parts: CredentialChainDeps) => CredentialChain;
  /** Stops the emulator behind the connection. Undefined for a real CAM. */
  readonly stopEmulator?: () => Promise<void>;
}

/** Returns the connection of an account. One without a key assumes its role with the default account's key. */
export function connectionTo(
  { endpoint, proxy, credentials, usesDefaultKey }: CamConnection & { readonly usesDefaultKey?: boolean },
  createDefaultChain?: Connection["createChain"],
): Connection {
  const { role } = credentials;
  const createChain = (parts: CredentialChainDeps): CredentialChain =>
    usesDefaultKey && role !== undefined && createDefaultChain !== undefined
      ? createRoleChain(role, createDefaultChain(parts), parts)
      : createCredentialChain(credentials, parts);
  return { endpoint, proxy, createChain };
}

/** Creates an account without a call to CAM. */
export function createAccount(
  { config, clock, logger, telemetry: shared }: Omit<Foundation, "open">,
  { windows, reads, changeStore, due, register }: SharedParts,
  { name, language, ratePerSecond, settings }: Omit<AccountSettings, "cam">,
  { endpoint, proxy, createChain, stopEmulator }: Connection,
): Account {
  const { timeoutMs, timeLimitMs, circuitFailures, flagsCacheMs } = config.camLimits;
  const telemetry = { ...shared, report: logger.child({ account: name }).report };
  const transport = new HttpTransport({ dispatcher: createDispatcher({ proxy }), clock });
  const skew = new ClockSkew(clock);
  const quota = new SharedQuota({ windows, ratePerSecond });
  const circuits = new ActionCircuits({ failures: circuitFailures }, clock);
  const observer = accountObserver(telemetry, { name, ratePerSecond, skew, circuits, quota });
  const parts = {
    config: { endpoint, language, timeoutMs },
    signer: new Tc3Signer(),
    onAttempt: observer.onAttempt,
    ...{ transport, skew, clock },
  };
  const chain = createChain({ ...parts, credentialObserver: observer });
  const client = new CamClient({
    ...parts,
    credentials: new CredentialCache({ chain, clock, skew, observer }),
    quota: observer.quota,
    circuits,
  });
  const gatewayIdentity = new GatewayIdentity({
    ...{ name, cam: client, clock, timeLimitMs, observer },
    // Do not bind the name to the emulator, because the name may mean a real account later.
    bind: async (uin) => (stopEmulator === undefined ? register.bind(name, uin) : uin),
  });
  const direct = withOwnKeys(client, gatewayIdentity);
  const cam = recordReads(name, direct, reads, clock);
  const mfaFlags = new MfaFlagClient({ cam, clock });
  const reconciler = new Reconciler({
    ...{ account: { name, mfaFlags }, changeStore, due, clock, timeLimitMs },
    observer: reconcilerObserver(shared),
  });
  // Only the mainland site has ListAccounts.
  const isIntl = endpoint.serviceHost.includes(".intl.");
  return {
    ...{ name, ratePerSecond, settings, cam, quota, mfaFlags, gatewayIdentity, reconciler },
    endpoint: stopEmulator === undefined ? endpoint.origin : undefined,
    scanned: { name, cam: direct, listAction: isIntl ? "ListUsers" : config.directory.listAction },
    flagReads: new FlagReads({ cam, clock, cacheMs: flagsCacheMs }),
    watch: observer.watch,
    unwatch: observer.unwatch,
    close: async () => {
      observer.unwatch();
      await Promise.all([reconciler.stop(), gatewayIdentity.stop()]);
      await transport.close();
      await stopEmulator?.();
    },
  };
}
