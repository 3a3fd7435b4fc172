import { DEFAULT_ACCOUNT } from "../auth/accounts.ts";
import {
  ActionCircuits,
  type CamAttempt,
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
  Tc3Signer,
} from "../cam/index.ts";
import { FlagWriter } from "../changes/flag-writer.ts";
import { GatewayIdentity } from "../changes/gateway-identity.ts";
import type { Clock } from "../clock.ts";
import { type AccountSettings, type AccountsSettings, parseAccountsFile } from "../config/accounts-file.ts";
import type { CamSettings } from "../config/cam-settings.ts";
import { type Config, ConfigError } from "../config/config.ts";
import { SharedRateBudget } from "../quota/shared-rate-budget.ts";
import type { SharedWindows } from "../quota/shared-windows.ts";
import { credentialObserver, identityObserver, reportCamAttempt } from "../telemetry/log-observers.ts";
import type { Logger } from "../telemetry/logger.ts";
import { readUtf8File, whyUnreadable } from "../utf8.ts";
import { type LocalCam, startLocalCam } from "./local-cam.ts";

interface OpenedAccounts {
  /** The default one first. */
  readonly accounts: readonly Account[];
  /** The emulators behind accounts, by the account's name. */
  readonly emulators: ReadonlyMap<string, LocalCam>;
}

/**
 * Every account that is configured, none of them asked anything yet.
 *
 * @param closers is added to, so that whatever was opened is closed where a later part cannot be.
 * @throws ConfigError where the file of accounts cannot be used.
 */
export async function openAccounts(
  config: Config,
  deps: AccountDeps,
  closers: (() => Promise<void>)[],
): Promise<OpenedAccounts> {
  const targets = config.accounts === undefined ? [] : await loadAccounts(config.accounts);
  const emulators = new Map<string, LocalCam>();
  const startEmulator = async (name: string): Promise<LocalCam> => {
    const localCam = await startLocalCam(name);
    closers.push(() => localCam.stop());
    emulators.set(name, localCam);
    return localCam;
  };
  const localCam = config.cam === undefined ? await startEmulator(DEFAULT_ACCOUNT) : undefined;
  const defaultWay = { name: DEFAULT_ACCOUNT, ...wayOf(config, localCam), ...limitsOf(config.camLimits) };
  const ways: ConnectionSettings[] = [defaultWay];
  for (const target of targets) {
    const { name, language, ratePerSecond, cam } = target;
    const way =
      cam === undefined ? emulated(await startEmulator(name)) : namedWay(cam, defaultWay.createChain);
    ways.push({ name, language, ratePerSecond, ...way });
  }
  const accounts = ways.map((way) => createAccount(way, deps));
  closers.push(...accounts.map((account) => () => account.close()));
  return { accounts, emulators };
}

type Way = Pick<ConnectionSettings, "endpoint" | "createChain" | "proxy">;

function wayOf({ cam }: Config, localCam: LocalCam | undefined): Way {
  if (localCam !== undefined) return emulated(localCam);
  if (cam === undefined) throw new Error("There is neither a CAM nor an emulator.");
  const { endpoint, credentials, proxy } = cam;
  return { endpoint, proxy, createChain: (parts) => createCredentialChain(credentials, parts) };
}

function namedWay(
  { endpoint, credentials, usesDefaultKey, proxy }: NonNullable<AccountSettings["cam"]>,
  createDefaultChain: (parts: CredentialChainDeps) => CredentialChain,
): Way {
  const { role } = credentials;
  const createChain = (parts: CredentialChainDeps): CredentialChain =>
    usesDefaultKey && role !== undefined
      ? createRoleChain(role, createDefaultChain(parts), parts)
      : createCredentialChain(credentials, parts);
  return { endpoint, proxy, createChain };
}

function emulated({ url, credentials }: LocalCam): Way {
  const endpoint = { origin: url, serviceHost: "cam.tencentcloudapi.com" };
  return { endpoint, createChain: () => createProviderChain([credentials]), proxy: {} };
}

function limitsOf({ language, ratePerSecond }: Config["camLimits"]) {
  return { language, ratePerSecond };
}

/** Where an account's CAM is, and where its keys come from. */
interface ConnectionSettings {
  readonly name: string;
  readonly endpoint: CamEndpoint;
  readonly createChain: (parts: CredentialChainDeps) => CredentialChain;
  readonly proxy: CamSettings["proxy"];
  readonly language: "en-US" | "zh-CN";
  /** Calls of one action that may arrive at CAM in any second. */
  readonly ratePerSecond: number;
}

interface AccountDeps {
  readonly limits: Pick<Config["camLimits"], "timeoutMs" | "deadlineMs" | "circuitFailures" | "flagsCacheMs">;
  readonly windows: SharedWindows;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** One account of Tencent Cloud with all that is its own, so that what is wrong with one is no other's trouble. */
export interface Account {
  readonly name: string;
  readonly ratePerSecond: number;
  readonly cam: CamClient;
  readonly budget: SharedRateBudget;
  readonly writer: FlagWriter;
  readonly flagReads: FlagReads;
  readonly gatewayIdentity: GatewayIdentity;
  /** Ends its connections. */
  close(): Promise<void>;
}

function createAccount(way: ConnectionSettings, deps: AccountDeps): Account {
  const { name, endpoint, language, ratePerSecond } = way;
  const { limits, windows, clock } = deps;
  const { report } = deps.logger.child({ account: name });
  const transport = new HttpTransport({ dispatcher: createDispatcher({ proxy: way.proxy }), clock });
  const skew = new ClockSkew(clock);
  const observer = credentialObserver(report);
  const parts = {
    config: { endpoint, language, timeoutMs: limits.timeoutMs },
    signer: new Tc3Signer(),
    onAttempt: (attempt: CamAttempt) => reportCamAttempt(report, attempt),
    ...{ transport, skew, clock },
  };
  const chain = way.createChain({ ...parts, credentialObserver: observer });
  const budget = new SharedRateBudget({ windows, ratePerSecond });
  const cam = new CamClient({
    ...parts,
    credentials: new CredentialCache({ chain, clock, skew, observer }),
    budget,
    circuits: new ActionCircuits({ failures: limits.circuitFailures }, clock),
  });
  return {
    ...{ name, ratePerSecond, cam, budget },
    writer: new FlagWriter({ cam, clock }),
    flagReads: new FlagReads({ cam, clock, cacheMs: limits.flagsCacheMs }),
    gatewayIdentity: new GatewayIdentity({
      cam,
      clock,
      deadlineMs: limits.deadlineMs,
      observer: identityObserver(report),
    }),
    close: () => transport.close(),
  };
}

/** The accounts of the file that CAM_ACCOUNTS names. @throws ConfigError that says everything that is wrong with it. */
export async function loadAccounts(settings: AccountsSettings): Promise<readonly AccountSettings[]> {
  const text = await readUtf8File(settings.file).catch((error: unknown) => {
    throw new ConfigError([`CAM_ACCOUNTS ${settings.file} ${whyUnreadable(error)}.`]);
  });
  const problems: string[] = [];
  const accounts = parseAccountsFile(text, settings, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  return accounts;
}
