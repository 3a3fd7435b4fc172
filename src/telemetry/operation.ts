import { AsyncLocalStorage } from "node:async_hooks";
import type { Span } from "@opentelemetry/api";
import { type CamErrorCategory, describeCamError, isCamErrorCode } from "../contract/index.ts";

/** The categories that spend the error budget, and those that count apart, the worst first. */
const FAULTS_BY_SEVERITY: readonly CamErrorCategory[] = [
  "INTERNAL",
  "MISCONFIGURED",
  "UNAVAILABLE",
  "UPSTREAM",
];

/** The operation of one request to the GraphQL endpoint, as telemetry follows it. */
export class Operation {
  readonly requestId: string;
  /** The type of the GraphQL operation. `none` until the gateway has read it. */
  type: "query" | "mutation" | "subscription" | "none" = "none";
  /** The worst category of the operation's errors, on both channels. */
  category: CamErrorCategory | "OK" = "OK";
  /** The kinds of rules that refused a field. */
  readonly refusals: string[] = [];
  readonly #serverSpan: Span | undefined;
  #graphqlSpan: Span | undefined;
  readonly #calls: { readonly fromMs: number; readonly toMs: number }[] = [];

  constructor(requestId: string, span: Span | undefined) {
    this.requestId = requestId;
    this.#serverSpan = span;
  }

  /** The innermost span of the operation. Undefined without tracing. */
  get span(): Span | undefined {
    return this.#graphqlSpan ?? this.#serverSpan;
  }

  /** Adds the type of the GraphQL operation and its span, which is the parent of later spans. */
  enterGraphQL(type: Operation["type"], span: Span | undefined): void {
    this.type = type;
    this.#graphqlSpan = span;
  }

  /** Ends the spans. An error is one that spends the error budget, as in the metrics. */
  end(statusCode: number): void {
    const isFault = FAULTS_BY_SEVERITY.includes(this.category as CamErrorCategory);
    for (const span of [this.#graphqlSpan, this.#serverSpan]) {
      if (span === undefined) continue;
      span.setAttribute("gateway.category", this.category);
      if (isFault || statusCode >= 500) {
        span.setAttribute("error.type", this.category);
        // SpanStatusCode.ERROR, without a module of OpenTelemetry at run time.
        span.setStatus({ code: 2 });
      }
      if (span === this.#serverSpan) span.setAttribute("http.response.status_code", statusCode);
      span.end();
    }
  }

  /**
   * Counts an error. An error of GraphQL itself or of HTTP, such as a syntax error, counts as an error in the caller's
   * input.
   */
  fail(code: string): void {
    const category = isCamErrorCode(code) ? describeCamError(code).category : "INPUT";
    if (rankOf(category) < rankOf(this.category)) this.category = category;
  }

  /** Counts a refusal by a kind of rule. */
  refuse(rule: string): void {
    this.refusals.push(rule);
  }

  /** Adds a time in which the operation waited for CAM, in monotonic milliseconds. */
  addCamWait(fromMs: number, toMs: number): void {
    this.#calls.push({ fromMs, toMs });
  }

  /** Returns the time of the operation without its waits for CAM, which may overlap. */
  ownMs(durationMs: number): number {
    let waitedMs = 0;
    let untilMs = Number.NEGATIVE_INFINITY;
    for (const { fromMs, toMs } of this.#calls.sort((one, other) => one.fromMs - other.fromMs)) {
      waitedMs += Math.max(0, toMs - Math.max(fromMs, untilMs));
      untilMs = Math.max(untilMs, toMs);
    }
    return Math.max(0, durationMs - waitedMs);
  }
}

function rankOf(category: Operation["category"]): number {
  if (category === "OK") return FAULTS_BY_SEVERITY.length + 1;
  const rank = FAULTS_BY_SEVERITY.indexOf(category as CamErrorCategory);
  return rank === -1 ? FAULTS_BY_SEVERITY.length : rank;
}

/** The operation of the request that runs now. */
export const currentOperation = new AsyncLocalStorage<Operation>();
