import type { Clock } from "../clock.ts";
import { GatewayError, type Uin } from "../contract/index.ts";
import type { CamAction } from "./actions/cam-action.ts";
import type { ActionCircuits } from "./circuit-breaker.ts";
import type { ClockSkew } from "./clock-skew.ts";
import type { CamClientConfig } from "./create-request.ts";
import { createRequest, endpointFor } from "./create-request.ts";
import { awaitCredential } from "./credentials/await-credential.ts";
import type { Credential } from "./credentials/credential.ts";
import type { CredentialCache } from "./credentials/credential-cache.ts";
import {
  CamError,
  type CamErrorKind,
  isKeyRefused,
  isSignatureExpired,
  isThrottle,
  kindOf,
} from "./errors/cam-error.ts";
import type { CamAttempt, CamObserver } from "./exchange.ts";
import {
  type Correction,
  type Exchange,
  readAnswer,
  slotOutcomeOf,
  voteOf,
  voteOnAnswer,
} from "./exchange.ts";
import type { CallPriority, RateBudget, RateRequest, RateSlot } from "./rate-budget.ts";
import type { CamResult } from "./read-reply.ts";
import { decideRetry } from "./retry/decide-retry.ts";
import type { Tc3Signer } from "./signing/tc3-signer.ts";
import type { HttpTransport } from "./transport/http-transport.ts";
import { TransportError } from "./transport/http-transport.ts";

export interface CamClientDeps {
  readonly config: CamClientConfig;
  readonly credentials: CredentialCache;
  readonly signer: Tc3Signer;
  readonly transport: HttpTransport;
  readonly budget: RateBudget;
  /** Without it, CAM is asked however often it fails. */
  readonly circuits?: ActionCircuits;
  readonly skew: ClockSkew;
  readonly clock: Clock;
  readonly observer?: CamObserver;
}

export interface CamCallOptions {
  /** Monotonic milliseconds by which the call, with its waits and retries, has to be over. */
  readonly deadlineMs: number;
  /** Goes out as X-TC-TraceId. */
  readonly traceId: string;
  /** Whose call it is, for callers take turns at the quota; the gateway's own without it. */
  readonly caller?: string | undefined;
  /** "interactive" without it. */
  readonly priority?: CallPriority;
  /** How often the call is made at most; as often as decide-retry.ts says without it. */
  readonly maxAttempts?: number;
  /** A read that a write begins with. It is refused where the write would be: without the store of the quota. */
  readonly forWrite?: boolean;
  readonly signal?: AbortSignal;
  /** Told of the attempts of this call, beside the client's own observer. */
  readonly observer?: CamObserver;
}

/**
 * A slot that comes with less time left than a usual exchange takes would be spent on a call whose reply nobody
 * waits for, and a write's outcome would be unknown. Where all is short, a part of what is left.
 */
const EXCHANGE_MS = 300;
const EXCHANGE_PART = 0.2;

/** Whether a call queues from the end, or takes the next slot because it had a slot before. */
type QueuePlace = Required<Pick<RateRequest, "requeued">>;

/** Calls that the gateway makes for nobody in particular share a turn. */
const OWN_CALLS = "gateway";

/** Makes calls to CAM: for each attempt a credential, a slot of the quota, a signature, the exchange, a verdict. */
export class CamClient {
  readonly #deps: CamClientDeps;

  constructor(deps: CamClientDeps) {
    this.#deps = deps;
  }

  /**
   * Makes one call and repeats it where that is safe (decide-retry.ts) and in time.
   *
   * @throws CamError with what CAM or the network said last, or ABORTED by the signal.
   * @throws GatewayError CAM_CIRCUIT_OPEN where CAM is being left alone, or QUOTA_EXHAUSTED where nothing was sent, because no slot comes free before the deadline.
   */
  async call<Input, Output>(
    action: CamAction<Input, Output>,
    input: Input,
    options: CamCallOptions,
  ): Promise<CamResult<Output>> {
    const { clock } = this.#deps;
    const observe = (seen: CamAttempt): void => {
      this.#deps.observer?.onAttempt(seen);
      options.observer?.onAttempt(seen);
    };
    const body = action.serialize(input);
    const corrected = new Set<Correction>();
    const user = action.userOf?.(input);
    let last: CamError | undefined;
    for (let attempt = 1; ; attempt++) {
      const startedMs = clock.monotonic();
      // A throttled call had its turn: its retry takes the next slot instead of queueing from the end.
      const place: QueuePlace = { requeued: last !== undefined && isThrottle(last.camCode) };
      const exchange = await this.#attemptUnlessBroken(action, body, user, attempt, {
        ...options,
        ...place,
      }).catch((refusal: unknown) => {
        // What CAM said last is nearer to the cause than that no slot is left for asking again.
        throw refusal instanceof GatewayError ? (last ?? refusal) : refusal;
      });
      const report = {
        action: action.name,
        traceId: options.traceId,
        attempt,
        durationMs: clock.monotonic() - startedMs,
        quotaWaitMs: exchange.quotaWaitMs,
      };
      if ("result" in exchange) {
        observe({
          ...report,
          requestId: exchange.result.requestId,
          error: undefined,
          next: undefined,
        });
        return exchange.result;
      }
      const { error } = exchange;
      const { correction } = exchange;
      const decision =
        correction !== undefined && !corrected.has(correction)
          ? ({ retry: true, delayMs: 0 } as const)
          : decideRetry({
              access: action.access,
              error,
              attempt,
              nowMs: clock.monotonic(),
              deadlineMs: options.deadlineMs,
              chance: clock.random(),
              maxAttempts: options.maxAttempts,
            });
      if (correction !== undefined) corrected.add(correction);
      const next = decision.retry ? { retryInMs: decision.delayMs } : { gaveUp: decision.because };
      observe({ ...report, requestId: error.requestId, error, next });
      if (!decision.retry) throw error;
      last = error;
      // An abort only ends the sleep: the next attempt finds it before anything is sent.
      await clock.sleep(decision.delayMs, options.signal).catch(() => undefined);
    }
  }

  /** The SecretId that a call made now would be signed with. @throws CamError NO_CREDENTIAL */
  async secretIdFor(action: CamAction<never, unknown>, deadlineMs: number): Promise<string> {
    const { credentials, clock } = this.#deps;
    try {
      return (await awaitCredential(credentials.get(), clock, deadlineMs)).secretId;
    } catch (cause) {
      throw new CamError({ kind: "NO_CREDENTIAL", action: action.name, attempts: 0, cause });
    }
  }

  #attemptUnlessBroken<Output>(
    action: CamAction<never, Output>,
    body: string,
    user: Uin | undefined,
    attempt: number,
    options: CamCallOptions & QueuePlace,
  ): Promise<Exchange<Output>> {
    const make = (): Promise<Exchange<Output>> => this.#attempt(action, body, attempt, options);
    const { circuits } = this.#deps;
    if (circuits === undefined) return make();
    const { caller = OWN_CALLS, deadlineMs } = options;
    return circuits.run({ action: action.name, user, caller, deadlineMs }, make, ({ vote }) => vote);
  }

  async #attempt<Output>(
    action: CamAction<never, Output>,
    body: string,
    attempt: number,
    options: CamCallOptions & QueuePlace,
  ): Promise<Exchange<Output>> {
    const { clock, skew, credentials } = this.#deps;
    const { deadlineMs, signal, traceId } = options;
    const notMade = (kind: CamErrorKind, more: { cause?: unknown; detail?: string }): Exchange<Output> => {
      const error = new CamError({ kind, action: action.name, attempts: attempt - 1, ...more });
      return { error, quotaWaitMs: 0, correction: undefined, vote: undefined };
    };
    let credential: Credential | undefined;
    try {
      if (!action.unsigned) credential = await awaitCredential(credentials.get(), clock, deadlineMs);
    } catch (cause) {
      return notMade("NO_CREDENTIAL", { cause });
    }
    if (signal?.aborted) return notMade("ABORTED", { cause: signal.reason });
    // The quota would refuse it too, but with its own name for what is no lack of quota.
    if (clock.monotonic() >= deadlineMs) return notMade("UNREACHABLE", { detail: "no time left" });
    let quotaWaitMs = 0;
    for (let { requeued } = options; ; requeued = true) {
      let slot: RateSlot;
      try {
        slot = await this.#takeSlot(action, credential, { ...options, requeued });
      } catch (cause) {
        if (signal?.aborted) return notMade("ABORTED", { cause });
        throw cause;
      }
      quotaWaitMs += slot.waitedMs;
      const timeoutMs = Math.max(1, Math.min(this.#deps.config.timeoutMs, deadlineMs - clock.monotonic()));
      const isCut = timeoutMs < this.#deps.config.timeoutMs;
      const timestampSeconds = skew.timestampSeconds();
      try {
        const request = createRequest({ action, body, credential, timestampSeconds, traceId }, this.#deps);
        const reply = await this.#deps.transport.post({
          ...request,
          timeoutMs,
          signal,
          onSend: () => slot.sent(),
        });
        const knowsCamTime = skew.observe(reply.date);
        const answer = readAnswer(action, reply, attempt);
        slot.settle("error" in answer && isThrottle(answer.error.camCode) ? "THROTTLED" : "ANSWERED");
        const clockChanged = knowsCamTime && skew.hasMovedSince(timestampSeconds);
        const correction =
          "error" in answer ? await this.#correct(answer.error, clockChanged, credential) : undefined;
        return { ...answer, quotaWaitMs, correction, vote: voteOnAnswer(answer) };
      } catch (cause) {
        if (!(cause instanceof TransportError)) {
          slot.settle("UNUSED");
          throw cause;
        }
        slot.settle(slotOutcomeOf(cause));
        // No attempt: nothing was sent, and the next slot may be as near as this one was.
        if (cause.reason === "SLOT_MISSED") continue;
        const kind = kindOf(cause);
        const error = new CamError({
          kind,
          action: action.name,
          attempts: attempt,
          detail: cause.reason,
          cause,
        });
        return { error, quotaWaitMs, correction: undefined, vote: voteOf(cause, isCut) };
      }
    }
  }

  /** What is better now than when the request was signed, so that the same call may get another answer at once. */
  async #correct(
    { camCode }: CamError,
    clockChanged: boolean,
    credential: Credential | undefined,
  ): Promise<Correction | undefined> {
    if (isSignatureExpired(camCode)) return clockChanged ? "clock" : undefined;
    if (credential === undefined || !isKeyRefused(camCode)) return undefined;
    return (await this.#deps.credentials.replace(credential)) ? "key" : undefined;
  }

  async #takeSlot(
    action: CamAction<never, unknown>,
    credential: Credential | undefined,
    options: CamCallOptions & QueuePlace,
  ): Promise<RateSlot> {
    const { clock, config, transport, budget } = this.#deps;
    const { deadlineMs, signal, caller = OWN_CALLS, priority = "interactive", requeued } = options;
    const { forWrite = false } = options;
    const { origin } = endpointFor(action.service, config.endpoint);
    const leftMs = deadlineMs - clock.monotonic();
    const ready = transport.openAhead(origin, leftMs);
    try {
      return await budget.take({
        action: action.name,
        access: forWrite ? "write" : action.access,
        deadlineMs: deadlineMs - Math.min(EXCHANGE_MS, leftMs * EXCHANGE_PART),
        ...{
          secretId: credential?.role ?? credential?.secretId ?? "",
          caller,
          priority,
          signal,
          ready,
          requeued,
        },
      });
    } finally {
      void ready.then((letGo) => letGo());
    }
  }
}
