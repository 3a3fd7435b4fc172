import { onTestFinished } from "vitest";
import {
  type CamAttempt,
  CamClient,
  type CamClientConfig,
  ClockSkew,
  type Credential,
  CredentialCache,
  type CredentialProvider,
  createDispatcher,
  createProviderChain,
  createStaticProvider,
  HttpTransport,
  type RateBudget,
  Tc3Signer,
} from "../../src/cam/index.ts";
import type { Clock } from "../../src/clock.ts";
import { Secret } from "../../src/secret.ts";
import { startEmulator } from "../emulator/start-emulator.ts";
import { JumpingClock } from "./fake-clock.ts";
import { RecordingBudget } from "./recording-budget.ts";

/** A key that the emulator knows. */
export const LOCAL_KEY: Credential = {
  secretId: "AKIDLOCALEXAMPLE",
  secretKey: new Secret("LocalExampleSecretKey"),
};

export interface CamOptions<C extends Clock> {
  readonly clock?: C;
  readonly provider?: CredentialProvider;
  readonly budget?: RateBudget;
  readonly config?: Partial<CamClientConfig>;
}

/**
 * The real signing service layer against the vendor at `url`. Unless the test brings another budget, it checks
 * at the end that every slot was settled.
 */
export function createCam<C extends Clock = JumpingClock>(url: string, options: CamOptions<C> = {}) {
  const clock: Clock = options.clock ?? new JumpingClock();
  const recorded = new RecordingBudget();
  const attempts: CamAttempt[] = [];
  const transport = new HttpTransport({ dispatcher: createDispatcher(), clock });
  const skew = new ClockSkew(clock);
  const provider = options.provider ?? createStaticProvider(LOCAL_KEY);
  const client = new CamClient({
    config: {
      endpoint: { origin: url, serviceHost: "cam.tencentcloudapi.com" },
      language: "en-US",
      timeoutMs: 5_000,
      ...options.config,
    },
    credentials: new CredentialCache({ chain: createProviderChain([provider]), clock }),
    signer: new Tc3Signer(),
    transport,
    budget: options.budget ?? recorded,
    skew,
    clock,
    observer: { onAttempt: (attempt) => void attempts.push(attempt) },
  });
  onTestFinished(async () => {
    await transport.close();
    recorded.expectAllSettledOnce();
  });
  return { client, clock: clock as C, budget: recorded, attempts, skew, transport };
}

/** The real signing service layer against an emulator, with a clock that agrees with it. */
export async function createEmulatedCam(options: CamOptions<JumpingClock> = {}) {
  const emulator = await startEmulator();
  const clock = new JumpingClock(emulator.control.clock().nowMs);
  return { emulator, ...createCam(emulator.url, { clock, ...options }) };
}

/** Options of a call that has a minute by the given clock. */
export function within(clock: Clock, more: { readonly ms?: number; readonly signal?: AbortSignal } = {}) {
  const { ms = 60_000, ...signal } = more;
  return { deadlineMs: clock.monotonic() + ms, traceId: "test-trace", ...signal };
}
