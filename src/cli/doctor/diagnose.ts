import { compareData } from "./compare-data.ts";
import { compareThrown, type Finding } from "./compare-thrown.ts";
import { type ExpectedError, expectedError, givenCode } from "./expected-error.ts";
import { type Guess, guessRouter } from "./guess-router.ts";
import type { ProbedField } from "./probe-operation.ts";
import type { Answer } from "./read-answer.ts";
import { isRecord } from "./received-error.ts";
import { sendProbe, type Target } from "./send-probe.ts";

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
