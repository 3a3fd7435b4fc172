import {
  CamClient,
  ClockSkew,
  CredentialCache,
  createDispatcher,
  createProviderChain,
  createStaticProvider,
  describeSafeAuthFlagColl,
  HttpTransport,
  Tc3Signer,
} from "../../src/cam/index.ts";
import { systemClock as clock } from "../../src/clock.ts";
import { GatewayError, type Uin } from "../../src/contract/index.ts";
import { openPostgres } from "../../src/database/postgres-database.ts";
import type { SlotAsked } from "../../src/quota/quota-observer.ts";
import { SharedRateBudget } from "../../src/quota/shared-rate-budget.ts";
import { Secret } from "../../src/secret.ts";
import { answerParent } from "../support/answer-parent.ts";

/** A replica of the gateway as far as the quota goes: the signing layer and the shared budget, as a program. */

const USER = "100021969091" as Uin;

export interface OfferQuestion {
  readonly kind: "offer";
  readonly forMs: number;
  readonly deadlineMs: number;
  readonly callers: readonly OfferedBy[];
}

export interface OfferedBy {
  readonly name: string;
  readonly callsPerSecond: number;
  readonly priority: "interactive" | "bulk";
  /** So many at once in the middle of the time. */
  readonly burst?: number;
}

/** What became of the calls that were offered. */
export interface OfferOutcome {
  readonly succeeded: number;
  /** Waits for slots of the interactive calls that succeeded. */
  readonly interactiveWaitsMs: readonly number[];
  /** Refusals of the quota: how long each took to come. */
  readonly refusedAfterMs: readonly number[];
  /** Refusals that came later than at once, though no deadline had passed. */
  readonly otherErrors: Readonly<Record<string, number>>;
  readonly asked: number;
  readonly granted: number;
  readonly missed: readonly number[];
  readonly throttleReports: number;
  readonly answers: readonly SlotAsked[];
}

const { DATABASE_URL = "", CAM_URL = "", REPLICA = "" } = process.env;
const seen = { asked: 0, granted: 0, missed: [] as number[], throttleReports: 0, answers: [] as SlotAsked[] };
const database = await openPostgres({ url: DATABASE_URL });
const budget = new SharedRateBudget({
  database,
  clock,
  callsPerSecond: 20,
  replica: REPLICA,
  observer: {
    onAsked: (asked) => {
      seen.asked += 1;
      seen.answers.push(asked);
      if (asked.granted) seen.granted += 1;
    },
    onSlotMissed: ({ lateMs }) => void seen.missed.push(lateMs),
    onThrottled: () => {
      seen.throttleReports += 1;
    },
    onStoreAway: (cause) => console.error(REPLICA, "lost the store:", cause),
  },
});
const provider = createStaticProvider({
  secretId: "AKIDLOCALEXAMPLE",
  secretKey: new Secret("LocalExampleSecretKey"),
});
const client = new CamClient({
  config: {
    endpoint: { origin: CAM_URL, serviceHost: "cam.tencentcloudapi.com" },
    language: "en-US",
    timeoutMs: 5_000,
  },
  credentials: new CredentialCache({ chain: createProviderChain([provider]), clock }),
  signer: new Tc3Signer(),
  transport: new HttpTransport({ dispatcher: createDispatcher(), clock }),
  budget,
  skew: new ClockSkew(clock),
  clock,
});

answerParent<OfferQuestion>("offer", async (question) => JSON.stringify(await offer(question)));
console.log(`listening on http://nowhere.invalid`);

async function offer({ forMs, deadlineMs, callers }: OfferQuestion): Promise<OfferOutcome> {
  const outcome = {
    succeeded: 0,
    interactiveWaitsMs: [] as number[],
    refusedAfterMs: [] as number[],
    otherErrors: {} as Record<string, number>,
  };
  Object.assign(seen, { asked: 0, granted: 0, missed: [], throttleReports: 0, answers: [] });
  const pending: Promise<void>[] = [];
  const call = async ({ name, priority }: OfferedBy, index: number): Promise<void> => {
    const startedMs = clock.monotonic();
    let waitedMs = 0;
    try {
      await client.call(
        describeSafeAuthFlagColl,
        { subUin: USER },
        {
          deadlineMs: startedMs + deadlineMs,
          traceId: `${name}:${REPLICA}-${index}`,
          caller: name,
          priority,
          observer: {
            onAttempt: ({ quotaWaitMs }) => {
              waitedMs += quotaWaitMs;
            },
          },
        },
      );
      outcome.succeeded += 1;
      if (priority === "interactive") outcome.interactiveWaitsMs.push(waitedMs);
    } catch (error) {
      if (error instanceof GatewayError && error.code === "QUOTA_EXHAUSTED") {
        outcome.refusedAfterMs.push(clock.monotonic() - startedMs);
        return;
      }
      const name = error instanceof Error ? error.message : String(error);
      outcome.otherErrors[name] = (outcome.otherErrors[name] ?? 0) + 1;
    }
  };
  const offerFrom = async (caller: OfferedBy): Promise<void> => {
    const startMs = clock.monotonic();
    let burst = caller.burst ?? 0;
    let index = 0;
    // Poisson arrivals: nobody's calls come at an even pace.
    let dueMs = startMs + gapMs(caller);
    while (dueMs < startMs + forMs) {
      await clock.sleep(Math.max(0, dueMs - clock.monotonic()));
      pending.push(call(caller, index++));
      if (clock.monotonic() > startMs + forMs / 2) {
        for (; burst > 0; burst--) pending.push(call(caller, index++));
      }
      dueMs += gapMs(caller);
    }
  };
  await Promise.all(callers.map(offerFrom));
  await Promise.all(pending);
  return { ...outcome, ...seen };
}

function gapMs({ callsPerSecond }: OfferedBy): number {
  return (-Math.log(1 - clock.random()) * 1_000) / callsPerSecond;
}
