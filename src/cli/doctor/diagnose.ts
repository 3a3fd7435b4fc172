import { type CamErrorCode, describeCamError, isCamErrorCode } from "../../contract/index.ts";
import {
  compareData,
  compareThrown,
  type ExpectedError,
  type Finding,
  innerErrorOf,
  isRecord,
  type ReceivedError,
} from "./compare-errors.ts";
import { type Answer, PROBED_USER, type ProbedField, sendProbe, type Target } from "./probe.ts";
import type { RouterId } from "./router-guides.ts";

/** What became of a channel's error, or why that cannot be told. */
export type ChannelVerdict = { readonly findings: readonly Finding[] } | { readonly why: string };

export interface Diagnosis {
  readonly channels: Readonly<Record<ProbedField, ChannelVerdict>>;
  /** What both are compared with. */
  readonly expected: ExpectedError;
  /** Why the gateway itself could not be asked, where it should have been. */
  readonly directProblem: string | undefined;
  readonly guess: Guess | undefined;
  /** The id under which the gateway knew the request, where it came through. */
  readonly requestId: string | undefined;
}

/** Probes the router, and the gateway itself where its address is given, to compare the two. */
export async function diagnose(router: Target, direct: Target | undefined): Promise<Diagnosis> {
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

/** What the gateway itself throws, where it was asked and threw something that can be compared. */
function expectedOf(own: Answer | undefined): ExpectedError | undefined {
  const error = own?.kind === "reply" ? own.errors[0] : undefined;
  return typeof error?.message === "string"
    ? { message: error.message, extensions: error.extensions }
    : undefined;
}

/** Which routers leave such a trace on a subgraph's error. */
export interface Guess {
  /** None where there is no trace. */
  readonly routers: readonly RouterId[];
  /** The trace. */
  readonly by: string;
  /** What the graph calls the gateway, where the router says so. */
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
    // The other two that say serviceName take nothing away.
    return "category" in extensions
      ? guess("extensions.serviceName", "apollo-gateway", "hive-gateway", "cosmo")
      : guess("extensions.serviceName, and most of extensions gone", "cosmo");
  }
  return guess("no trace");
}

function subgraphIn(message: unknown): string | undefined {
  return /^Failed to fetch from Subgraph '([^']+)'/.exec(String(message))?.[1];
}

/** By the contract, a probe is refused with this code. */
function expectedError(code: CamErrorCode): ExpectedError {
  const { message, category, retryable } = describeCamError(code);
  const always = { code, category, retryable, requestId: "" };
  return { message, extensions: code === "NOTHING_TO_CHANGE" ? { ...always, opUin: PROBED_USER } : always };
}

/** The code that the gateway gave, where one of these is a code of its; it may have refused the caller before. */
function givenCode(...candidates: readonly unknown[]): CamErrorCode {
  return candidates.find(isCamErrorCode) ?? "NOTHING_TO_CHANGE";
}
