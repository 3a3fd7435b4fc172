import { DEFAULT_ACCOUNT } from "../auth/accounts.ts";
import {
  type CredentialChain,
  type CredentialChainDeps,
  createCredentialChain,
  createProviderChain,
  createRoleChain,
} from "../cam/index.ts";
import type { AccountTarget } from "../config/accounts-file.ts";
import type { Config } from "../config/config.ts";
import { type Account, type AccountDeps, type ConnectionSettings, createAccount } from "./create-account.ts";
import { loadAccounts } from "./load-accounts.ts";
import { type LocalCam, startLocalCam } from "./local-cam.ts";

export interface OpenedAccounts {
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
  { endpoint, credentials, usesDefaultKey, proxy }: NonNullable<AccountTarget["cam"]>,
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
