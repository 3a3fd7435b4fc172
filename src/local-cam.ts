import { type CredentialProvider, createStaticProvider } from "./cam/index.ts";
import { startCamEmulator } from "./emulator/index.ts";
import { Secret } from "./secret.ts";

/** The embedded emulator with a key that it accepts. */
export interface LocalCam {
  readonly url: string;
  readonly controlUrl: string;
  readonly credentials: CredentialProvider;
  stop(): Promise<void>;
}

/** Local mode's stand-in for CAM. The only file of the gateway that knows the emulator. */
export async function startLocalCam(): Promise<LocalCam> {
  const emulator = await startCamEmulator();
  return {
    url: emulator.url,
    controlUrl: emulator.controlUrl,
    credentials: createStaticProvider({
      secretId: "AKIDLOCALEXAMPLE",
      secretKey: new Secret("LocalExampleSecretKey"),
    }),
    stop: () => emulator.stop(),
  };
}
