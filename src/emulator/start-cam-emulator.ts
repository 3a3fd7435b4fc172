import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createCamServer } from "./cam-listener.ts";
import { createControlServer } from "./control-listener.ts";
import { freshRandomSeed, waitFor } from "./emulator-clock.ts";
import { createControl, type EmulatorControl } from "./emulator-control.ts";
import type { EmulatorEvent } from "./emulator-event.ts";
import { createEmulatorState, type EmulatorSettings } from "./emulator-state.ts";
import { MetadataService } from "./key-issuer.ts";
import { DEFAULT_SEED_FILE, loadSeedFile, type ParsedSeed } from "./seed.ts";

/** All options are optional. By default the ports are 0 (any free port) and the host is loopback. */
export interface CamEmulatorOptions extends Partial<EmulatorSettings> {
  host?: string;
  port?: number;
  controlPort?: number;
  /** A seed file; by default the one of the package. */
  seedFile?: string;
  /** A seed from `parseSeed`, instead of a file. */
  seed?: ParsedSeed;
  /** Called for each request, refused signature and defect. Must not throw. */
  onEvent?: (event: EmulatorEvent) => void;
}

export interface CamEmulator {
  /** The CAM endpoint: `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly controlUrl: string;
  readonly control: EmulatorControl;
  /** Closes both listeners and every connection. A second call does nothing. */
  stop(): Promise<void>;
}

/** Starts an emulated CAM. Rejects with InputProblems for a bad seed, and with a plain error for a port in use. */
export async function startCamEmulator(options: CamEmulatorOptions = {}): Promise<CamEmulator> {
  const { host = "127.0.0.1", port = 0, controlPort = 0, onEvent: emit = () => undefined } = options;
  const seed = options.seed ?? loadSeedFile(options.seedFile ?? DEFAULT_SEED_FILE);
  const state = createEmulatorState(seed, settingsOf(options));
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

/** Listens and returns the address as a URL. The error for a port in use says so. */
async function listen(server: Server, host: string, port: number, purpose: string): Promise<string> {
  server.listen(port, host);
  try {
    await once(server, "listening");
  } catch (cause) {
    throw new Error(`The emulator's ${purpose} cannot listen on ${host}:${port}: ${explain(cause)}.`, {
      cause,
    });
  }
  const { port: actual } = server.address() as AddressInfo;
  return `http://${host.includes(":") ? `[${host}]` : host}:${actual}`;
}

/** Closes the server and all connections, also those that wait for a reply. */
async function close(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}

function explain(cause: unknown): string {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  if (code === "EADDRINUSE") return "another program is already using that port";
  if (code === "EACCES") return "this user may not use that port";
  return cause instanceof Error ? cause.message : String(cause);
}
