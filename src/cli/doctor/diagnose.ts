import { type CamErrorCode, describeCamError, isCamErrorCode } from "../../contract/index.ts";
import type { GatewayConnection } from "../gateway-connection.ts";
import {
  compareData,
  compareThrown,
  type ExpectedError,
  type Finding,
  innerErrorOf,
  isRecord,
  type ReceivedError,
} from "./compare-errors.ts";
import { type Answer, PROBED_USER, type ProbedField, sendProbe } from "./probe.ts";
import type { RouterId } from "./router-guides.ts";

/** The findings about the error of one channel, or the reason for the missing verdict. */
export type ChannelVerdict = { readonly findings: readonly Finding[] } | { readonly why: string };

export interface Diagnosis {
  readonly channels: Readonly<Record<ProbedField, ChannelVerdict>>;
  /** The error that both channels are compared with. */
  readonly expected: ExpectedError;
  /** Why the request to the gateway itself (--url) failed. */
  readonly directProblem: string | undefined;
  readonly guess: Guess | undefined;
  /** The request id that the gateway returned, if the router forwarded it. */
  readonly requestId: string | undefined;
}

/** Probes the router and, if its address is given, the gateway itself. Compares the errors. */
export async function diagnose(
  router: GatewayConnection,
  direct: GatewayConnection | undefined,
): Promise<Diagnosis> {
  const thrown = await sendProbe(router, "setSubUserMfa");
  const tried = await sendProbe(router, "trySetSubUserMfa");
  const failure = tried.kind === "reply" && isRecord(tried.value) ? tried.value : {};
  const error = thrown.kind === "reply" ? thrown.errors[0] : undefined;
  const contract = expectedError(givenCode(failure["code"], error?.extensions["code"]));
  const own = direct === undefined ? undefined : await sendProbe(direct, "setSubUserMfa");
  const expected = expectedOf(own) ?? contract;
  const requestId = [failure["requestId"], error?.extensions["requestId"]].find(
    (id) => typeof id === "string",
  );
  return {
    expected,
    directProblem: own?.kind === "none" ? own.why : undefined,
    requestId,
    guess: error && guessRouter(error),
    channels: {
      setSubUserMfa: verdict(thrown, () => compareThrown(error, expected, ["setSubUserMfa"])),
      trySetSubUserMfa: verdict(tried, () => compareData(failure, expected)),
    },
  };
}

function verdict(answer: Answer, compare: () => readonly Finding[]): ChannelVerdict {
  return answer.kind === "none" ? { why: answer.why } : { findings: compare() };
}

/** Returns the error of the gateway itself, if it threw one. */
function expectedOf(own: Answer | undefined): ExpectedError | undefined {
  const error = own?.kind === "reply" ? own.errors[0] : undefined;
  return typeof error?.message === "string"
    ? { message: error.message, extensions: error.extensions }
    : undefined;
}

/** The routers that could have left a trace on a subgraph's error. */
export interface Guess {
  /** Empty without a trace. */
  readonly routers: readonly RouterId[];
  /** The trace. */
  readonly by: string;
  /** The gateway's name in the graph, if the router adds it. */
  readonly subgraph: string | undefined;
}

function guessRouter(error: ReceivedError): Guess {
  const { message, extensions } = error;
  const subgraph = [extensions["serviceName"], extensions["service"], subgraphIn(message)].find(
    (name) => typeof name === "string",
  );
  const guess = (by: string, ...routers: RouterId[]): Guess => ({ routers, by, subgraph });

  if (innerErrorOf(error) !== undefined) return guess("the error is wrapped in another", "cosmo");
  if (subgraphIn(message) !== undefined) return guess(`the message ${JSON.stringify(message)}`, "cosmo");
  if (message === "Subgraph errors redacted") return guess(`the message "${message}"`, "apollo-router");
  if (message === "Unexpected error") return guess(`the message "${message}"`, "hive-router");
  if (message === "Unexpected error.") return guess(`the message "${message}"`, "hive-gateway");
  if ("statusCode" in extensions) return guess("extensions.statusCode", "cosmo");
  if ("service" in extensions) return guess("extensions.service", "apollo-router", "hive-router");
  if ("serviceName" in extensions) {
    // The other two routers that add serviceName remove nothing.
    return "category" in extensions
      ? guess("extensions.serviceName", "apollo-gateway", "hive-gateway", "cosmo")
      : guess("extensions.serviceName, and most of extensions gone", "cosmo");
  }
  return guess("no trace");
}

function subgraphIn(message: unknown): string | undefined {
  return /^Failed to fetch from Subgraph '([^']+)'/.exec(String(message))?.[1];
}

/** Returns the error of the contract for a refused probe. */
function expectedError(code: CamErrorCode): ExpectedError {
  const { message, category, retryable } = describeCamError(code);
  const always = { code, category, retryable, requestId: "" };
  return { message, extensions: code === "NOTHING_TO_CHANGE" ? { ...always, opUin: PROBED_USER } : always };
}

/** Returns the first candidate that is a code of the gateway. A refusal of the caller precedes that of the change. */
function givenCode(...candidates: readonly unknown[]): CamErrorCode {
  return candidates.find(isCamErrorCode) ?? "NOTHING_TO_CHANGE";
}
