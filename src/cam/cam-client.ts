import type { Clock } from "../clock.ts";
import type { CamAction } from "./actions/cam-action.ts";
import { type CamEndpoint, endpointFor } from "./cam-endpoint.ts";
import type { CamObserver } from "./cam-observer.ts";
import type { ClockSkew } from "./clock-skew.ts";
import type { Credential } from "./credentials/credential.ts";
import type { CredentialCache } from "./credentials/credential-cache.ts";
import { CamError, type CamErrorKind, isSignatureExpired, isThrottle } from "./errors/cam-error.ts";
import type { RateBudget, SlotOutcome } from "./rate-budget.ts";
import { type CamResult, readReply } from "./read-reply.ts";
import { decideRetry } from "./retry/decide-retry.ts";
import type { HeaderField } from "./signing/canonical-request.ts";
import type { Tc3Signer } from "./signing/tc3-signer.ts";
import type { HttpTransport, TransportReply, TransportRequest } from "./transport/http-transport.ts";
import { TransportError, type TransportFailure } from "./transport/transport-error.ts";

export interface CamClientConfig {
  readonly endpoint: CamEndpoint;
  /** X-TC-Language of CAM's messages, which only logs see. */
  readonly language: "en-US" | "zh-CN";
  /** For one attempt, from connecting to the last byte of the reply. */
  readonly timeoutMs: number;
}

export interface CamClientDeps {
  readonly config: CamClientConfig;
  readonly credentials: CredentialCache;
  readonly signer: Tc3Signer;
  readonly transport: HttpTransport;
  readonly budget: RateBudget;
  readonly skew: ClockSkew;
  readonly clock: Clock;
  readonly observer?: CamObserver;
}

export interface CamCallOptions {
  /** Monotonic milliseconds by which the call, with its waits and retries, has to be over. */
  readonly deadlineMs: number;
  /** Goes out as X-TC-TraceId. */
  readonly traceId: string;
  readonly signal?: AbortSignal;
}

const CONTENT_TYPE = "application/json";
const REQUEST_CLIENT = "cam-mfa-gateway";

/** Makes calls to CAM: for each attempt a credential, a slot of the quota, a signature, the exchange, a verdict. */
export class CamClient {
  readonly #deps: CamClientDeps;

  constructor(deps: CamClientDeps) {
    this.#deps = deps;
  }

  /**
   * Makes one call and repeats it where that is safe (decide-retry.ts) and in time.
   *
   * @throws CamError with what CAM or the network said last.
   * @throws GatewayError QUOTA_EXHAUSTED where no slot comes free before the deadline.
   */
  async call<Input, Output>(
    action: CamAction<Input, Output>,
    input: Input,
    options: CamCallOptions,
  ): Promise<CamResult<Output>> {
    const { clock, observer } = this.#deps;
    const body = action.serialize(input);
    let clockCorrected = false;
    for (let attempt = 1; ; attempt++) {
      const startedMs = clock.monotonic();
      const exchange = await this.#attempt(action, body, attempt, options);
      const report = {
        action: action.name,
        traceId: options.traceId,
        attempt,
        durationMs: clock.monotonic() - startedMs,
        quotaWaitMs: exchange.quotaWaitMs,
      };
      if ("result" in exchange) {
        observer?.onAttempt({
          ...report,
          requestId: exchange.result.requestId,
          error: undefined,
          next: undefined,
        });
        return exchange.result;
      }
      const { error } = exchange;
      const decision =
        exchange.clockChanged && !clockCorrected
          ? ({ retry: true, delayMs: 0 } as const)
          : decideRetry({
              access: action.access,
              error,
              attempt,
              nowMs: clock.monotonic(),
              deadlineMs: options.deadlineMs,
              chance: clock.random(),
            });
      clockCorrected ||= exchange.clockChanged;
      const next = decision.retry ? { retryInMs: decision.delayMs } : { gaveUp: decision.because };
      observer?.onAttempt({ ...report, requestId: error.requestId, error, next });
      if (!decision.retry) throw error;
      await clock.sleep(decision.delayMs, options.signal);
    }
  }

  async #attempt<Output>(
    action: CamAction<never, Output>,
    body: string,
    attempt: number,
    options: CamCallOptions,
  ): Promise<Exchange<Output>> {
    const { clock, budget, skew } = this.#deps;
    let credential: Credential;
    try {
      credential = await this.#deps.credentials.get();
    } catch (cause) {
      const error = new CamError({
        kind: "NO_CREDENTIAL",
        action: action.name,
        attempts: attempt - 1,
        cause,
      });
      return { error, quotaWaitMs: 0, clockChanged: false };
    }
    const { deadlineMs, signal } = options;
    const slot = await budget.take({
      action: action.name,
      secretId: credential.secretId,
      deadlineMs,
      signal,
    });
    const quotaWaitMs = slot.waitedMs;
    const timeoutMs = Math.max(1, Math.min(this.#deps.config.timeoutMs, deadlineMs - clock.monotonic()));
    const timestampSeconds = skew.timestampSeconds();
    try {
      const request = this.#sign(action, body, credential, timestampSeconds, options.traceId);
      const reply = await this.#deps.transport.post({
        ...request,
        timeoutMs,
        signal,
        onSend: () => slot.sent(),
      });
      skew.observe(reply.date);
      const answer = readAnswer(action, reply, attempt);
      slot.settle("error" in answer && isThrottle(answer.error.camCode) ? "THROTTLED" : "ANSWERED");
      const clockChanged =
        "error" in answer && isSignatureExpired(answer.error.camCode) && skew.hasMovedSince(timestampSeconds);
      return { ...answer, quotaWaitMs, clockChanged };
    } catch (cause) {
      if (!(cause instanceof TransportError)) {
        slot.settle("UNUSED");
        throw cause;
      }
      slot.settle(slotOutcomeOf(cause));
      const kind = kindOf(cause);
      const error = new CamError({
        kind,
        action: action.name,
        attempts: attempt,
        detail: cause.reason,
        cause,
      });
      return { error, quotaWaitMs, clockChanged: false };
    }
  }

  #sign(
    action: CamAction<never, unknown>,
    body: string,
    credential: Credential,
    timestampSeconds: number,
    traceId: string,
  ): Pick<TransportRequest, "origin" | "headers" | "body"> {
    const { config, signer } = this.#deps;
    const { origin, serviceHost } = endpointFor(action.service, config.endpoint);
    const signedHeaders: readonly HeaderField[] = [
      ["content-type", CONTENT_TYPE],
      ["host", serviceHost],
      ["x-tc-action", action.name],
    ];
    const { authorization } = signer.sign(
      { method: "POST", query: "", headers: signedHeaders, body, service: action.service, timestampSeconds },
      credential,
    );
    const headers: Record<string, string> = {
      "content-type": CONTENT_TYPE,
      host: serviceHost,
      authorization,
      "x-tc-action": action.name,
      "x-tc-version": action.version,
      "x-tc-timestamp": String(timestampSeconds),
      "x-tc-language": config.language,
      "x-tc-requestclient": REQUEST_CLIENT,
      "x-tc-traceid": traceId,
    };
    if (credential.token !== undefined) headers["x-tc-token"] = credential.token.reveal();
    return { origin, headers, body };
  }
}

type Exchange<Output> = Answer<Output> & {
  readonly quotaWaitMs: number;
  /** CAM refused the timestamp, and by its Date header we now know a better one. */
  readonly clockChanged: boolean;
};

type Answer<Output> = { readonly result: CamResult<Output> } | { readonly error: CamError };

function readAnswer<Output>(
  action: CamAction<never, Output>,
  reply: TransportReply,
  attempts: number,
): Answer<Output> {
  try {
    return { result: readReply(action, reply, attempts) };
  } catch (error) {
    if (error instanceof CamError) return { error };
    throw error;
  }
}

function slotOutcomeOf(failure: TransportError): SlotOutcome {
  if (!failure.sent) return "UNUSED";
  return failure.reason === "REPLY_TOO_LARGE" ? "ANSWERED" : "LOST";
}

function kindOf(failure: TransportError): CamErrorKind {
  if (failure.reason === "ABORTED") return "ABORTED";
  if (!failure.sent) return "UNREACHABLE";
  return KIND_AFTER_SENDING[failure.reason];
}

const KIND_AFTER_SENDING: Readonly<Record<Exclude<TransportFailure, "ABORTED">, CamErrorKind>> = {
  CONNECT_FAILED: "UNREACHABLE",
  CONNECTION_LOST: "CONNECTION_LOST",
  TIMEOUT: "TIMEOUT",
  REPLY_TOO_LARGE: "BAD_RESPONSE",
};
