import { DEFAULT_SEED_FILE, loadSeedFile } from "./account/load-seed.ts";
import type { ParsedSeed } from "./account/seed-schema.ts";
import { createCamServer } from "./cam-listener.ts";
import { createControlServer } from "./control/control-listener.ts";
import { createControl } from "./control/create-control.ts";
import type { EmulatorControl } from "./control/emulator-control.ts";
import { freshRandomSeed, waitFor } from "./emulator-clock.ts";
import type { EmulatorEvent } from "./emulator-event.ts";
import { type EmulatorSettings, EmulatorState } from "./emulator-state.ts";
import { close, listen } from "./listen.ts";
import { MetadataService } from "./metadata/metadata-service.ts";

/** Everything is optional. Ports are 0, so that the system picks free ones; the host is loopback. */
export interface CamEmulatorOptions extends Partial<EmulatorSettings> {
  host?: string;
  port?: number;
  controlPort?: number;
  /** A seed file; the package's own without it. */
  seedFile?: string;
  /** A seed from `parseSeed`, instead of a file. */
  seed?: ParsedSeed;
  /** Told of every request, refused signature and defect. Must not throw. */
  onEvent?: (event: EmulatorEvent) => void;
}

export interface CamEmulator {
  /** Where clients call it: `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly controlUrl: string;
  readonly control: EmulatorControl;
  /** Closes both listeners and every connection. A second call does nothing. */
  stop(): Promise<void>;
}

/** Starts an emulated CAM. Rejects with InputProblems for a bad seed, and with a plain message for a taken port. */
export async function startCamEmulator(options: CamEmulatorOptions = {}): Promise<CamEmulator> {
  const { host = "127.0.0.1", port = 0, controlPort = 0, onEvent: emit = () => undefined } = options;
  const seed = options.seed ?? loadSeedFile(options.seedFile ?? DEFAULT_SEED_FILE);
  const state = new EmulatorState(seed, settingsOf(options));
  const control = createControl(state);
  const stopping = new AbortController();
  const camServer = createCamServer({ state, emit, wait: (ms) => waitFor(ms, stopping.signal) });
  const controlServer = createControlServer(control, new MetadataService(state));

  const url = await listen(camServer, host, port, "CAM port");
  const controlUrl = await listen(controlServer, host, controlPort, "control port").catch(
    async (error: unknown) => {
      await close(camServer);
      throw error;
    },
  );
  emit({ kind: "started", url, controlUrl });

  let stopped: Promise<void> | undefined;
  const stop = async () => {
    stopping.abort();
    await Promise.all([close(camServer), close(controlServer)]);
    emit({ kind: "stopped" });
  };
  return {
    url,
    controlUrl,
    control,
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}

function settingsOf(options: CamEmulatorOptions): EmulatorSettings {
  return {
    ratePerSecond: options.ratePerSecond ?? 20,
    window: options.window ?? "sliding",
    omittedIntegers: options.omittedIntegers ?? "zero",
    nullRegion: options.nullRegion ?? "accept",
    instanceRole: options.instanceRole === undefined ? "mfa-gateway" : options.instanceRole,
    randomSeed: options.randomSeed ?? freshRandomSeed(),
  };
}
