import {
  type CamAttempt,
  CamClient,
  CamError,
  CredentialCache,
  createDispatcher,
  createProviderChain,
  createStaticProvider,
  describeSafeAuthFlagColl,
  HttpTransport,
  isThrottle,
  type Quota,
  type Slot,
  Tc3Signer,
} from "../../src/cam/index.ts";
import { ClockSkew, systemClock as clock } from "../../src/clock.ts";
import { GatewayError, type Uin } from "../../src/contract/index.ts";
import { openPostgres } from "../../src/database/postgres-database.ts";
import { SharedQuota, SharedWindows } from "../../src/quota/shared-quota.ts";
import { Secret } from "../../src/secret.ts";
import { answerParent } from "../support/answer-parent.ts";
import type { OfferedBy, OfferOutcome, OfferQuestion } from "./offer.ts";

/** A program with the parts of a replica that the quota needs: the signing layer and the shared quota. */

const USER = "100021969091" as Uin;
const { DATABASE_URL = "", CAM_URL = "", REPLICA = "", RATE_PER_SECOND = "" } = process.env;

/** Without a database the program is a stranger: it has the key and does not use the quota. */
const FREE_SLOT: Slot = { waitedMs: 0, tryBegin: () => true, settle: () => undefined };

const seen = { statements: 0, missedSlots: 0 };
const quota: Quota = DATABASE_URL === "" ? { take: async () => FREE_SLOT } : await openQuota();
const key = createStaticProvider({
  secretId: "AKIDLOCALEXAMPLE",
  secretKey: new Secret("LocalExampleSecretKey"),
});
const cam = new CamClient({
  config: {
    endpoint: { origin: CAM_URL, serviceHost: "cam.tencentcloudapi.com" },
    language: "en-US",
    timeoutMs: 5_000,
  },
  credentials: new CredentialCache({ chain: createProviderChain([key]), clock }),
  signer: new Tc3Signer(),
  transport: new HttpTransport({ dispatcher: createDispatcher(), clock }),
  quota,
  skew: new ClockSkew(clock),
  clock,
});

answerParent<OfferQuestion>("offer", async (question) => JSON.stringify(await offer(question)));
console.log(`${REPLICA} is ready`);

async function offer({ forMs, deadlineMs, callers, stalls, drains }: OfferQuestion): Promise<OfferOutcome> {
  const outcome = {
    succeeded: 0,
    refusedAfterMs: [] as number[],
    heardThrottlesMs: [] as number[],
    errors: [] as string[],
    interactiveWaitsMs: [] as number[],
  };
  Object.assign(seen, { statements: 0, missedSlots: 0 });
  const pending: Promise<void>[] = [];
  const over = new AbortController();

  async function call({ name, priority }: OfferedBy): Promise<void> {
    const startedMs = clock.monotonic();
    let waitedMs = 0;
    let throttledMs = 0;
    const options = {
      deadlineMs: startedMs + deadlineMs,
      traceId: `${name}:${REPLICA}-${pending.length}`,
      caller: name,
      priority,
      signal: over.signal,
      onAttempt: ({ quotaWaitMs, error }: Pick<CamAttempt, "quotaWaitMs" | "error">) => {
        waitedMs += quotaWaitMs;
        if (isThrottle(error?.camCode)) throttledMs = clock.monotonic();
      },
    };
    try {
      await cam.call(describeSafeAuthFlagColl, { subUin: USER }, options);
      outcome.succeeded += 1;
      if (priority === "interactive") outcome.interactiveWaitsMs.push(waitedMs);
    } catch (error) {
      if (over.signal.aborted) return;
      if (error instanceof GatewayError && error.code === "QUOTA_EXHAUSTED") {
        outcome.refusedAfterMs.push(clock.monotonic() - startedMs);
      } else if (error instanceof CamError && isThrottle(error.camCode)) {
        outcome.heardThrottlesMs.push(options.deadlineMs - throttledMs);
      } else if (error instanceof CamError || error instanceof GatewayError) {
        outcome.errors.push(error.message);
      } else throw error;
    }
  }

  async function offerFrom(caller: OfferedBy): Promise<void> {
    const startMs = clock.monotonic();
    let { burst = 0 } = caller;
    for (let dueMs = startMs; dueMs < startMs + forMs; dueMs += nextGapMs(caller)) {
      await clock.sleep(Math.max(0, dueMs - clock.monotonic()));
      pending.push(call(caller));
      for (; burst > 0 && dueMs > startMs + forMs / 2; burst--) pending.push(call(caller));
    }
  }

  const stalling = stalls ? setInterval(stall, 1_000) : undefined;
  await Promise.all(callers.map(offerFrom));
  if (!drains) over.abort();
  await Promise.all(pending);
  clearInterval(stalling);
  return { ...outcome, ...seen };
}

/** Callers are independent: their calls come at random times, at the given average rate. */
function nextGapMs({ callsPerSecond }: OfferedBy): number {
  return (-Math.log(1 - clock.random()) * 1_000) / callsPerSecond;
}

async function openQuota(): Promise<Quota> {
  const windows = new SharedWindows({
    database: await openPostgres({ url: DATABASE_URL }),
    clock,
    replica: REPLICA,
    observer: {
      onSlotAnswer: () => void seen.statements++,
      onThrottled: () => void seen.statements++,
      onSlotMissed: () => void seen.missedSlots++,
    },
  });
  return new SharedQuota({ windows, ratePerSecond: Number(RATE_PER_SECOND) });
}

/** Blocks this process. */
function stall(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 150 + 250 * clock.random());
}
