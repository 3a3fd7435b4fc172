import { DEFAULT_ACCOUNT } from "../auth/accounts.ts";
import { type CredentialProvider, createStaticProvider } from "../cam/index.ts";
import { loadSeedFile, startCamEmulator } from "../emulator/index.ts";
import { Secret } from "../secret.ts";

/** An embedded emulator with a key that it accepts. */
export interface LocalCam {
  readonly url: string;
  readonly controlUrl: string;
  readonly credentials: CredentialProvider;
  stop(): Promise<void>;
}

const KEY = { secretId: "AKIDLOCALEXAMPLE", secretKey: "LocalExampleSecretKey" };

/**
 * Starts the emulator for the CAM of one account in local mode. Only this file of the gateway imports the emulator.
 * Each account has its own emulator with the same users, and its own key: CAM counts calls by key.
 */
export async function startLocalCam(account: string): Promise<LocalCam> {
  const suffix = account === DEFAULT_ACCOUNT ? "" : `-${account}`;
  const { secretId, secretKey } = {
    secretId: `${KEY.secretId}${suffix}`,
    secretKey: `${KEY.secretKey}${suffix}`,
  };
  const seed = loadSeedFile();
  const keys = seed.keys.map((key) =>
    key.secretId === KEY.secretId ? { ...key, secretId, secretKey } : key,
  );
  const emulator = await startCamEmulator({ seed: { ...seed, keys } });
  return {
    url: emulator.url,
    controlUrl: emulator.controlUrl,
    credentials: createStaticProvider({ secretId, secretKey: new Secret(secretKey) }),
    stop: () => emulator.stop(),
  };
}
