import { expect, onTestFinished } from "vitest";
import {
  type CamAttempt,
  CamClient,
  type CamClientConfig,
  type Credential,
  CredentialCache,
  type CredentialProvider,
  type CredentialSettings,
  createCredentialChain,
  createDispatcher,
  createProviderChain,
  createStaticProvider,
  HttpTransport,
  type ProxySettings,
  type Quota,
  type Slot,
  type SlotOutcome,
  type SlotRequest,
  Tc3Signer,
} from "../../src/cam/index.ts";
import { type Clock, ClockSkew } from "../../src/clock.ts";
import type { CamEmulatorOptions } from "../../src/emulator/index.ts";
import { Secret } from "../../src/secret.ts";
import { startEmulator } from "../emulator/start-emulator.ts";
import { JumpingClock } from "./fake-clock.ts";

/** A key of the emulator. */
export const LOCAL_KEY: Credential = {
  secretId: "AKIDLOCALEXAMPLE",
  secretKey: new Secret("LocalExampleSecretKey"),
};

export interface CamOptions<C extends Clock> {
  readonly clock?: C;
  readonly provider?: CredentialProvider;
  /** Instead of a provider: the chain that the gateway would make of these settings. */
  readonly keys?: Partial<CredentialSettings>;
  readonly quota?: Quota;
  readonly config?: Partial<CamClientConfig>;
  readonly proxy?: ProxySettings;
}

/**
 * Creates the real signing service layer for the vendor at `url`. With the default quota it checks after the test that
 * each slot was settled.
 */
export function createCam<C extends Clock = JumpingClock>(url: string, options: CamOptions<C> = {}) {
  const clock: Clock = options.clock ?? new JumpingClock();
  const recorded = new RecordingQuota();
  const attempts: CamAttempt[] = [];
  const transport = new HttpTransport({
    dispatcher: createDispatcher({ proxy: options.proxy ?? {} }),
    clock,
  });
  const skew = new ClockSkew(clock);
  const signer = new Tc3Signer();
  const config: CamClientConfig = {
    endpoint: { origin: url, serviceHost: "cam.tencentcloudapi.com" },
    language: "en-US",
    timeoutMs: 5_000,
    ...options.config,
  };
  const refreshFailures: unknown[] = [];
  const chain =
    options.keys === undefined
      ? createProviderChain([options.provider ?? createStaticProvider(LOCAL_KEY)])
      : createCredentialChain(
          { environment: {}, ...options.keys },
          { config, signer, transport, skew, clock },
        );
  const credentials = new CredentialCache({
    chain,
    clock,
    skew,
    observer: { onLoaded: () => undefined, onRefreshFailed: (error) => void refreshFailures.push(error) },
  });
  const client = new CamClient({
    config,
    credentials,
    signer,
    transport,
    quota: options.quota ?? recorded,
    skew,
    clock,
    onAttempt: (attempt) => void attempts.push(attempt),
  });
  onTestFinished(async () => {
    await transport.close();
    recorded.expectAllSettledOnce();
  });
  return {
    client,
    clock: clock as C,
    quota: recorded,
    attempts,
    skew,
    transport,
    credentials,
    refreshFailures,
  };
}

/** Creates the real signing service layer with an emulator and a common clock. */
export async function createEmulatedCam(
  options: CamOptions<JumpingClock> & { readonly emulator?: CamEmulatorOptions } = {},
) {
  const emulator = await startEmulator(options.emulator);
  const clock = new JumpingClock(emulator.control.clock().nowMs);
  return { emulator, ...createCam(emulator.url, { clock, ...options }) };
}

/** Returns options of a call with a deadline of one minute by the given clock. */
export function within(clock: Clock, more: { readonly ms?: number; readonly signal?: AbortSignal } = {}) {
  const { ms = 60_000, ...signal } = more;
  return { deadlineMs: clock.monotonic() + ms, traceId: "test-trace", ...signal };
}

interface RecordedSlot {
  readonly request: SlotRequest;
  sent: boolean;
  readonly outcomes: SlotOutcome[];
}

/** A quota without waiting that records the outcome of each slot. */
export class RecordingQuota implements Quota {
  readonly slots: RecordedSlot[] = [];

  take(request: SlotRequest): Promise<Slot> {
    const slot: RecordedSlot = { request, sent: false, outcomes: [] };
    this.slots.push(slot);
    return Promise.resolve({
      waitedMs: 0,
      tryBegin: () => {
        slot.sent = true;
        return true;
      },
      settle: (outcome) => void slot.outcomes.push(outcome),
    });
  }

  get outcomes(): readonly SlotOutcome[] {
    return this.slots.flatMap((slot) => slot.outcomes);
  }

  /** What every client owes its quota: each slot settled once, and UNUSED exactly where nothing was sent. */
  expectAllSettledOnce(): void {
    for (const { sent, outcomes } of this.slots) {
      expect(outcomes).toHaveLength(1);
      expect(outcomes[0] === "UNUSED").toBe(!sent);
    }
  }
}
