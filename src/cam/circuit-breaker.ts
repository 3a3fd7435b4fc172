import {
  BrokenCircuitError,
  type CircuitBreakerPolicy,
  ConsecutiveBreaker,
  circuitBreaker,
  handleType,
} from "cockatiel";
import { GatewayError } from "../contract/index.ts";
import { type CamError, isServiceFault } from "./errors/cam-error.ts";

export interface CircuitBreakerConfig {
  /** Failures in a row of one action after which CAM is left alone; 0 never does so. */
  readonly failures: number;
  /** How long it is left alone before one call tries it again. */
  readonly pauseMs: number;
}

/**
 * Leaves CAM alone when it does nothing but fail, one circuit for each action. What counts is what became of a
 * call and not its HTTP status: CAM refusing a change is CAM at work. While a circuit is open nothing is sent
 * and no slot of the quota is spent; after the pause one call goes through as a probe, and the others wait for
 * what it shows.
 */
export class ActionCircuits {
  readonly #config: CircuitBreakerConfig;
  readonly #circuits = new Map<string, CircuitBreakerPolicy>();

  constructor(config: CircuitBreakerConfig) {
    this.#config = config;
  }

  /**
   * Runs one attempt and counts what became of it.
   * @throws GatewayError CAM_CIRCUIT_OPEN where the action is being left alone; the attempt is not made.
   */
  async run<Attempt>(
    action: string,
    attempt: () => Promise<Attempt>,
    errorOf: (attempt: Attempt) => CamError | undefined,
  ): Promise<Attempt> {
    if (this.#config.failures === 0) return attempt();
    try {
      return await this.#circuitOf(action).execute(async () => {
        const result = await attempt();
        const error = errorOf(result);
        if (error !== undefined && countsAsFailure(error)) throw new CountedFailure(result);
        return result;
      });
    } catch (error) {
      if (error instanceof CountedFailure) return error.attempt as Attempt;
      if (error instanceof BrokenCircuitError) {
        throw new GatewayError("CAM_CIRCUIT_OPEN", { retryAfterMs: this.#config.pauseMs });
      }
      throw error;
    }
  }

  #circuitOf(action: string): CircuitBreakerPolicy {
    let circuit = this.#circuits.get(action);
    if (circuit === undefined) {
      const { failures, pauseMs } = this.#config;
      const breaker = new ConsecutiveBreaker(failures);
      circuit = circuitBreaker(handleType(CountedFailure), { breaker, halfOpenAfter: pauseMs });
      this.#circuits.set(action, circuit);
    }
    return circuit;
  }
}

/** Carries a failed attempt past the library, which counts what is thrown. */
class CountedFailure extends Error {
  readonly attempt: unknown;

  constructor(attempt: unknown) {
    super("counted");
    this.attempt = attempt;
  }
}

function countsAsFailure(error: CamError): boolean {
  switch (error.kind) {
    case "UNREACHABLE":
    case "TIMEOUT":
    case "CONNECTION_LOST":
    case "BAD_RESPONSE":
      return true;
    case "REFUSED":
      return isServiceFault(error.camCode);
    case "NO_CREDENTIAL":
    case "ABORTED":
      return false;
  }
}
