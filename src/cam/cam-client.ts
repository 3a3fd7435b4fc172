import { type Clock, type ClockSkew, within } from "../clock.ts";
import { GatewayError, type Uin } from "../contract/index.ts";
import {
  type AttemptOutcome,
  type CamAttempt,
  type Correction,
  decideRetry,
  type RetryDecision,
  slotOutcomeOf,
  voteOnError,
  voteOnTransportError,
} from "./attempt.ts";
import {
  CamError,
  type CamErrorDetails,
  isKeyRefused,
  isSignatureExpired,
  isThrottle,
  transportFailure,
} from "./cam-error.ts";
import type { ActionCircuits } from "./circuit-breaker.ts";
import { type Credential, type CredentialCache, CredentialError } from "./credentials/credential.ts";
import {
  type CamAction,
  type CamClientConfig,
  type CamResult,
  createRequest,
  endpointFor,
  readReply,
} from "./protocol.ts";
import type { CallPriority, Quota, Slot, SlotRequest } from "./quota.ts";
import type { Tc3Signer } from "./signing/tc3-signer.ts";
import { type HttpTransport, TransportError } from "./transport/http-transport.ts";

export interface CamClientDeps {
  readonly config: CamClientConfig;
  readonly credentials: CredentialCache;
  readonly signer: Tc3Signer;
  readonly transport: HttpTransport;
  readonly quota: Quota;
  /** If it is undefined, failures never stop further calls. */
  readonly circuits?: ActionCircuits;
  readonly skew: ClockSkew;
  readonly clock: Clock;
  /** Receives every attempt. Must not throw. */
  readonly onAttempt?: (attempt: CamAttempt) => void;
}

export interface CamCallOptions {
  /** The latest end of the call, including its waits and retries, in monotonic milliseconds. */
  readonly deadlineMs: number;
  /** The value of X-TC-TraceId. */
  readonly traceId: string;
  /** The caller whose operation makes the call. Callers take turns at the quota. Default: the gateway itself. */
  readonly caller?: string | undefined;
  /** Default: "interactive". */
  readonly priority?: CallPriority;
  /** Default: MAX_ATTEMPTS of attempt.ts. */
  readonly maxAttempts?: number;
  /**
   * Marks a read that begins a write. While the store of the quota is unavailable, the quota refuses it like the write.
   */
  readonly forWrite?: boolean;
  readonly signal?: AbortSignal;
  /** Receives the attempts of this call, in addition to the client's own `onAttempt`. */
  readonly onAttempt?: (attempt: CamAttempt) => void;
}

/** One attempt at a call. */
interface Attempt<Output> extends CamCallOptions {
  readonly action: CamAction<never, Output>;
  readonly body: string;
  /** The only user of the call. Undefined if the call has no user or several. */
  readonly user: Uin | undefined;
  readonly attempt: number;
  /** True if the call already had a slot: it then goes to the front of the queue. */
  readonly requeued: NonNullable<SlotRequest["requeued"]>;
}

/**
 * The usual time of an exchange, which a call reserves before its deadline. With a later slot, the reply would come
 * after the deadline, and the outcome of a write would be unknown.
 */
const EXCHANGE_MS = 300;
/** The largest part of its remaining time that a call reserves for the exchange. */
const EXCHANGE_PART = 0.2;

/** The caller of the gateway's own calls, which share one turn at the quota. */
const OWN_CALLS = "gateway";

/**
 * Makes calls to CAM. Each attempt gets a credential, takes a slot of the quota, signs the request, sends it and reads
 * the reply.
 */
export class CamClient {
  readonly #deps: CamClientDeps;

  constructor(deps: CamClientDeps) {
    this.#deps = deps;
  }

  /**
   * Makes a call. Repeats it if that is safe (attempt.ts) and the deadline permits.
   *
   * @throws CamError of the last attempt.
   * @throws GatewayError before the first request: CAM_CIRCUIT_OPEN while the circuit of the action is open,
   *   QUOTA_EXHAUSTED if no slot comes free before the deadline, or STORE_UNAVAILABLE for a write, or a read with
   *   `forWrite`, while the database of the quota is unavailable. After an attempt, these refusals end the retries, and
   *   the call throws the last CamError instead.
   */
  async call<Input, Output>(
    action: CamAction<Input, Output>,
    input: Input,
    options: CamCallOptions,
  ): Promise<CamResult<Output>> {
    const { clock } = this.#deps;
    const call = { ...options, action, body: action.serialize(input), user: action.userOf?.(input) };
    const corrected = new Set<Correction>();
    let last: CamError | undefined;
    for (let attempt = 1; ; attempt++) {
      const startedMs = clock.monotonic();
      // The retry of a throttled call takes the next slot, because the call already had its turn.
      const requeued = last !== undefined && isThrottle(last.camCode);
      const outcome = await this.#attempt({ ...call, attempt, requeued }).catch((refusal: unknown) => {
        // The last error explains the failure better than a refused retry does.
        throw refusal instanceof GatewayError ? (last ?? refusal) : refusal;
      });
      const { result, error, quotaWaitMs } = outcome;
      const decision = error && this.#decide(error, outcome.correction, corrected, { ...call, attempt });
      const report: CamAttempt = {
        ...{ action: action.name, traceId: options.traceId, attempt, quotaWaitMs, error },
        durationMs: clock.monotonic() - startedMs,
        camRequestId: (result ?? error)?.camRequestId,
        next: decision && (decision.retry ? { retryInMs: decision.delayMs } : { gaveUp: decision.because }),
      };
      this.#deps.onAttempt?.(report);
      options.onAttempt?.(report);
      if (result !== undefined) return result;
      if (!decision?.retry) throw error;
      last = error;
      // An abort ends only the sleep. The next attempt checks the signal before it sends anything.
      await clock.sleep(decision.delayMs, options.signal).catch(() => undefined);
    }
  }

  /** Resolves to the SecretId of the key that signs calls now. @throws CamError NO_CREDENTIAL */
  async secretIdFor(action: CamAction<never, unknown>, deadlineMs: number): Promise<string> {
    try {
      return (await this.#credential(deadlineMs)).secretId;
    } catch (cause) {
      throw new CamError({ kind: "NO_CREDENTIAL", action: action.name, attempts: 0, cause });
    }
  }

  /** Resolves to a credential, or rejects at the deadline. A load in progress continues for later calls. */
  async #credential(deadlineMs: number): Promise<Credential> {
    const { credentials, clock } = this.#deps;
    // A change needs the key for every call, and a timer for each would cost more than the rest.
    if (credentials.fresh !== undefined) return credentials.fresh;
    return within(clock, deadlineMs - clock.monotonic(), credentials.get(), () => {
      throw new CredentialError("The source of the key did not answer in time.");
    });
  }

  /** Decides whether to retry. The first correction of each kind permits one retry without a delay. */
  #decide(
    error: CamError,
    correction: Correction | undefined,
    corrected: Set<Correction>,
    {
      action,
      attempt,
      deadlineMs,
      maxAttempts,
    }: Pick<Attempt<unknown>, "action" | "attempt"> & CamCallOptions,
  ): RetryDecision {
    if (correction !== undefined && !corrected.has(correction)) {
      corrected.add(correction);
      return { retry: true, delayMs: 0 };
    }
    const { clock } = this.#deps;
    const { access } = action;
    const jitter = clock.random();
    return decideRetry({ access, error, attempt, deadlineMs, maxAttempts, jitter, nowMs: clock.monotonic() });
  }

  #attempt<Output>(call: Attempt<Output>): Promise<AttemptOutcome<Output>> {
    const { circuits } = this.#deps;
    if (circuits === undefined) return this.#attemptNow(call);
    const { action, user, caller = OWN_CALLS, deadlineMs } = call;
    const circuitCall = { action: action.name, user, caller, deadlineMs };
    return circuits.run(
      circuitCall,
      () => this.#attemptNow(call),
      ({ vote }) => vote,
    );
  }

  async #attemptNow<Output>(call: Attempt<Output>): Promise<AttemptOutcome<Output>> {
    const { clock } = this.#deps;
    const { action, attempt, deadlineMs, signal } = call;
    const unsent = (details: Omit<CamErrorDetails, "action" | "attempts">): AttemptOutcome<Output> => ({
      error: new CamError({ action: action.name, attempts: attempt - 1, ...details }),
      quotaWaitMs: 0,
    });
    let credential: Credential | undefined;
    try {
      if (!action.unsigned) credential = await this.#credential(deadlineMs);
    } catch (cause) {
      return unsent({ kind: "NO_CREDENTIAL", cause });
    }
    if (signal?.aborted) return unsent({ kind: "ABORTED", cause: signal.reason });
    // The quota would refuse the call too, but with QUOTA_EXHAUSTED, which is the wrong cause.
    if (clock.monotonic() >= deadlineMs) return unsent({ kind: "UNREACHABLE", detail: "no time left" });
    let quotaWaitMs = 0;
    for (let { requeued } = call; ; requeued = true) {
      let slot: Slot;
      try {
        slot = await this.#takeSlot({ ...call, requeued }, credential);
      } catch (cause) {
        if (signal?.aborted) return unsent({ kind: "ABORTED", cause });
        throw cause;
      }
      quotaWaitMs += slot.waitedMs;
      const outcome = await this.#exchange(call, credential, slot);
      // A missed slot does not count as an attempt. The gateway sent nothing, and the next slot may be as near.
      if (outcome !== "SLOT_MISSED") return { ...outcome, quotaWaitMs };
    }
  }

  /** Sends the call in its slot and reads the reply. */
  async #exchange<Output>(
    { action, body, attempt, deadlineMs, signal, traceId }: Attempt<Output>,
    credential: Credential | undefined,
    slot: Slot,
  ): Promise<Omit<AttemptOutcome<Output>, "quotaWaitMs"> | "SLOT_MISSED"> {
    const { clock, skew, config, transport } = this.#deps;
    const timeoutMs = Math.max(1, Math.min(config.timeoutMs, deadlineMs - clock.monotonic()));
    const timestampSeconds = skew.timestampSeconds();
    let knowsCamTime = false;
    try {
      const request = createRequest({ action, body, credential, timestampSeconds, traceId }, this.#deps);
      const reply = await transport.post({ ...request, timeoutMs, signal, onSend: () => slot.tryBegin() });
      knowsCamTime = skew.learn(reply.date);
      const result = readReply(action, reply, attempt);
      slot.settle("ANSWERED");
      return { result, vote: "OK" };
    } catch (error) {
      if (error instanceof CamError) {
        slot.settle(isThrottle(error.camCode) ? "THROTTLED" : "ANSWERED");
        const hasClockChanged = knowsCamTime && skew.hasMovedSince(timestampSeconds);
        const correction = await this.#correct(error, hasClockChanged, credential);
        return { error, correction, vote: voteOnError(error) };
      }
      if (!(error instanceof TransportError)) {
        slot.settle("UNUSED");
        throw error;
      }
      slot.settle(slotOutcomeOf(error));
      if (error.reason === "SLOT_MISSED") return "SLOT_MISSED";
      const vote = voteOnTransportError(error, timeoutMs < config.timeoutMs);
      return { error: transportFailure(action.name, attempt, error), vote };
    }
  }

  /**
   * Replaces the key if CAM refused it. Resolves to the kind of correction after which the same call may succeed, or to
   * undefined without one.
   */
  async #correct(
    { camCode }: CamError,
    hasClockChanged: boolean,
    credential: Credential | undefined,
  ): Promise<Correction | undefined> {
    if (isSignatureExpired(camCode)) return hasClockChanged ? "clock" : undefined;
    if (credential === undefined || !isKeyRefused(camCode)) return undefined;
    return (await this.#deps.credentials.replace(credential)) ? "key" : undefined;
  }

  /** Takes a slot of the quota. Opens a connection for the call at the same time. */
  async #takeSlot(call: Attempt<unknown>, credential: Credential | undefined): Promise<Slot> {
    const { clock, config, transport, quota } = this.#deps;
    const { action, deadlineMs, signal, caller = OWN_CALLS, priority = "interactive", requeued } = call;
    const leftMs = deadlineMs - clock.monotonic();
    const ready = transport.preconnect(endpointFor(action.service, config.endpoint).origin, leftMs);
    try {
      return await quota.take({
        ...{ action: action.name, caller, priority, signal, ready, requeued },
        secretId: credential?.role ?? credential?.secretId ?? "",
        access: call.forWrite ? "write" : action.access,
        deadlineMs: deadlineMs - Math.min(EXCHANGE_MS, leftMs * EXCHANGE_PART),
      });
    } finally {
      void ready.then((release) => release());
    }
  }
}
