import { DEFAULT_ACCOUNT } from "../auth/accounts.ts";
import {
  ActionCircuits,
  CamClient,
  type CamEndpoint,
  ClockSkew,
  CredentialCache,
  type CredentialChain,
  type CredentialChainDeps,
  createCredentialChain,
  createDispatcher,
  createProviderChain,
  createRoleChain,
  FlagReads,
  HttpTransport,
  type ProxySettings,
  type RateBudget,
  Tc3Signer,
} from "../cam/index.ts";
import { FlagWriter } from "../changes/flag-writer.ts";
import { GatewayIdentity } from "../changes/gateway-identity.ts";
import type { Clock } from "../clock.ts";
import { type AccountSettings, type AccountsSettings, parseAccountsFile } from "../config/accounts-file.ts";
import type { CamSettings } from "../config/cam-settings.ts";
import { ConfigError } from "../config/config.ts";
import { GatewayError } from "../contract/index.ts";
import type { ScannedAccount } from "../directory/account-scanner.ts";
import { observeReads, type ReadsBehind } from "../directory/reads-behind.ts";
import { SharedRateBudget } from "../quota/shared-rate-budget.ts";
import type { SharedWindows } from "../quota/shared-windows.ts";
import { readUtf8File, whyUnreadable } from "../utf8.ts";
import { accountObserver, identityObserver } from "./account-observers.ts";
import type { Foundation } from "./foundation.ts";
import { type LocalCam, startLocalCam } from "./local-cam.ts";

/** An account of Tencent Cloud. It shares no part with other accounts, so a fault of one does not affect another. */
export interface Account {
  readonly name: string;
  readonly ratePerSecond: number;
  /** Makes calls, and tells the directory what each read shows. */
  readonly cam: Pick<CamClient, "call">;
  readonly scanned: ScannedAccount;
  readonly budget: SharedRateBudget;
  readonly writer: FlagWriter;
  readonly flagReads: FlagReads;
  readonly gatewayIdentity: GatewayIdentity;
}

interface OpenAccounts {
  /** The default account first. */
  readonly all: readonly Account[];
  /** The emulators behind accounts, by the account's name. */
  readonly emulators: ReadonlyMap<string, LocalCam>;
}

/** Opens every configured account, without a call to CAM. @throws ConfigError for a bad file of accounts. */
export async function openAccounts(
  foundation: Foundation,
  windows: SharedWindows,
  reads: ReadsBehind,
): Promise<OpenAccounts> {
  const { config, open } = foundation;
  const named = config.accounts === undefined ? [] : await loadAccounts(config.accounts);
  const emulators = new Map<string, LocalCam>();
  const startEmulator = async (name: string): Promise<Connection> => {
    const emulator = await startLocalCam(name);
    open.defer(() => emulator.stop());
    emulators.set(name, emulator);
    const endpoint = { origin: emulator.url, serviceHost: "cam.tencentcloudapi.com" };
    return { endpoint, proxy: {}, createChain: () => createProviderChain([emulator.credentials]) };
  };
  const ofDefault =
    config.cam === undefined ? await startEmulator(DEFAULT_ACCOUNT) : connectionTo(config.cam);
  const { language, ratePerSecond } = config.camLimits;
  const all = [
    createAccount(foundation, windows, reads, { name: DEFAULT_ACCOUNT, language, ratePerSecond }, ofDefault),
  ];
  for (const account of named) {
    const connection =
      account.cam === undefined
        ? await startEmulator(account.name)
        : connectionTo(account.cam, ofDefault.createChain);
    all.push(createAccount(foundation, windows, reads, account, connection));
  }
  return { all, emulators };
}

/** The connection settings of an account's CAM, and the source of its keys. */
export interface Connection {
  readonly endpoint: CamEndpoint;
  readonly proxy: ProxySettings;
  readonly createChain: (parts: CredentialChainDeps) => CredentialChain;
}

/** Returns the connection of an account. One without a key assumes its role with the default account's key. */
export function connectionTo(
  { endpoint, proxy, credentials, usesDefaultKey }: CamSettings & { readonly usesDefaultKey?: boolean },
  createDefaultChain?: Connection["createChain"],
): Connection {
  const { role } = credentials;
  const createChain = (parts: CredentialChainDeps): CredentialChain =>
    usesDefaultKey && role !== undefined && createDefaultChain !== undefined
      ? createRoleChain(role, createDefaultChain(parts), parts)
      : createCredentialChain(credentials, parts);
  return { endpoint, proxy, createChain };
}

function createAccount(
  { config, clock, logger, telemetry: shared, open }: Foundation,
  windows: SharedWindows,
  reads: ReadsBehind,
  { name, language, ratePerSecond }: Pick<AccountSettings, "name" | "language" | "ratePerSecond">,
  { endpoint, proxy, createChain }: Connection,
): Account {
  const { timeoutMs, deadlineMs, circuitFailures, flagsCacheMs } = config.camLimits;
  const telemetry = { ...shared, report: logger.child({ account: name }).report };
  const transport = new HttpTransport({ dispatcher: createDispatcher({ proxy }), clock });
  open.defer(() => transport.close());
  const skew = new ClockSkew(clock);
  const budget = new SharedRateBudget({ windows, ratePerSecond });
  const circuits = new ActionCircuits({ failures: circuitFailures }, clock);
  const observer = accountObserver(telemetry, { name, ratePerSecond, skew, circuits, budget });
  open.defer(async () => observer.unwatch());
  const parts = {
    config: { endpoint, language, timeoutMs },
    signer: new Tc3Signer(),
    onAttempt: observer.onAttempt,
    ...{ transport, skew, clock },
  };
  const chain = createChain({ ...parts, credentialObserver: observer });
  const direct = new CamClient({
    ...parts,
    credentials: new CredentialCache({ chain, clock, skew, observer }),
    budget: observedBudget(budget, clock, observer),
    circuits,
  });
  const cam = observeReads(name, direct, reads, clock);
  // Only the mainland site has ListAccounts.
  const isIntl = endpoint.serviceHost.includes(".intl.");
  return {
    ...{ name, ratePerSecond, cam, budget },
    scanned: { name, cam: direct, listAction: isIntl ? "ListUsers" : config.directory.listAction },
    writer: new FlagWriter({ cam, clock }),
    flagReads: new FlagReads({ cam, clock, cacheMs: flagsCacheMs }),
    gatewayIdentity: new GatewayIdentity({
      cam: direct,
      clock,
      deadlineMs,
      observer: identityObserver(telemetry),
    }),
  };
}

/** Returns the budget, which also reports each call that gets no slot before its deadline. */
function observedBudget(
  budget: RateBudget,
  clock: Clock,
  { onQuotaExhausted }: Pick<ReturnType<typeof accountObserver>, "onQuotaExhausted">,
): RateBudget {
  return {
    take: (request) => {
      const fromMs = clock.monotonic();
      return budget.take(request).catch((error: unknown) => {
        if (error instanceof GatewayError && error.code === "QUOTA_EXHAUSTED") onQuotaExhausted(fromMs);
        throw error;
      });
    },
  };
}

/** Loads the file of CAM_ACCOUNTS. @throws ConfigError with every mistake in the file. */
export async function loadAccounts(settings: AccountsSettings): Promise<readonly AccountSettings[]> {
  const text = await readUtf8File(settings.file).catch((error: unknown) => {
    throw new ConfigError([`CAM_ACCOUNTS ${settings.file} ${whyUnreadable(error)}.`]);
  });
  const problems: string[] = [];
  const accounts = parseAccountsFile(text, settings, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  return accounts;
}
