import {
  CAM_ERROR_EXTENSION_KEYS,
  type CamErrorCode,
  describeCamError,
  isCamErrorCode,
} from "../../contract/index.ts";
import type { GatewayConnection } from "../gateway-connection.ts";
import { Fault, Group } from "./checkup.ts";
import {
  compareData,
  compareThrown,
  type ExpectedError,
  type Finding,
  innerErrorOf,
  isRecord,
  PROBE_REQUEST_ID,
  PROBED_USER,
  type ProbedField,
  type ProbeReply,
  type ReceivedError,
  sendProbe,
} from "./probe.ts";
import { ROUTER_GUIDES, type RouterGuide, type RouterId, SUBGRAPH } from "./router-guides.ts";

/** Checks what a router does to the gateway's errors. `kind` is the value of --for, `direct` the gateway itself. */
export async function checkRouter(
  router: GatewayConnection,
  direct: GatewayConnection | undefined,
  kind: RouterId | undefined,
): Promise<Group> {
  const group = new Group(`router ${router.url.href}`);
  const diagnosis = await group.check(
    "it forwards operations to the gateway",
    [],
    async () => {
      const found = await diagnose(router, direct);
      const { setSubUserMfa, trySetSubUserMfa } = found.channels;
      if ("why" in setSubUserMfa && "why" in trySetSubUserMfa) {
        throw new Fault("router.unreachable", setSubUserMfa.why);
      }
      return found;
    },
    describeDiagnosis,
  );
  await group.check(
    "thrown errors arrive whole (setSubUserMfa)",
    [diagnosis],
    async ({ channels, expected, guess }) => {
      const lines = problemsOf(channels.setSubUserMfa);
      if (lines.length === 0) return;
      const unseen = CAM_ERROR_EXTENSION_KEYS.filter((key) => !(key in expected.extensions));
      throw new Fault("router.masks-errors", [
        ...lines,
        `Let these keys through too, which this probe does not show: ${unseen.join(", ")}.`,
        ...describeConfiguration(
          kind === undefined ? (guess?.routers ?? []) : [kind],
          guess?.subgraph ?? SUBGRAPH,
        ),
      ]);
    },
  );
  await group.check("errors as data arrive whole (trySetSubUserMfa)", [diagnosis], async ({ channels }) => {
    const lines = problemsOf(channels.trySetSubUserMfa);
    if (lines.length > 0) throw new Fault("router.masks-errors", lines);
  });
  return group;
}

/** Returns a line for each part if one is lost or changed. @throws Fault without a verdict. */
function problemsOf(verdict: ChannelVerdict): readonly string[] {
  if ("why" in verdict) throw new Fault("router.unreachable", verdict.why);
  if (verdict.findings.every(({ fate }) => fate === "kept")) return [];
  const width = Math.max(...verdict.findings.map(({ part }) => part.length));
  return verdict.findings.map(
    ({ part, fate, now }) => `${part.padEnd(width)}  ${fate}${now === undefined ? "" : `: ${now}`}`,
  );
}

function describeDiagnosis({ guess, expected, requestId, directProblem }: Diagnosis): readonly string[] {
  const { code } = expected.extensions;
  const notes = [
    describeGuess(guess),
    requestId !== undefined &&
      requestId !== PROBE_REQUEST_ID &&
      "The header x-request-id does not reach the gateway; authorization may not either.",
    code !== "NOTHING_TO_CHANGE" &&
      `The gateway refused the probe with ${code}, and doctor compared that error. Is the login missing?`,
    directProblem !== undefined &&
      `The gateway itself: ${directProblem} Doctor compares the router with the contract instead.`,
  ];
  return notes.filter((note) => typeof note === "string");
}

function describeGuess(guess: Guess | undefined): string | undefined {
  if (guess === undefined) return undefined;
  if (guess.routers.length === 0) return "No router left a trace; this may be the gateway itself.";
  return `This looks like ${guess.routers.map((id) => guideOf(id).title).join(" or ")}, by ${guess.by}.`;
}

function describeConfiguration(routers: readonly RouterId[], subgraph: string): readonly string[] {
  if (routers.length === 0) {
    const ids = ROUTER_GUIDES.map(({ id }) => id).join(", ");
    return [`To see the configuration, name the router: --for ${ids}.`];
  }
  return routers
    .map(guideOf)
    .flatMap(({ title, configuration }) => [
      `The configuration of ${title} that lets everything through:`,
      "",
      ...configuration.render(subgraph).trimEnd().split("\n"),
      "",
    ]);
}

function guideOf(id: RouterId): RouterGuide {
  const guide = ROUTER_GUIDES.find((candidate) => candidate.id === id);
  if (guide === undefined) throw new TypeError(`There is no guide for ${id}.`);
  return guide;
}

/** The findings about the error of one channel, or the reason for the missing verdict. */
type ChannelVerdict = { readonly findings: readonly Finding[] } | { readonly why: string };

interface Diagnosis {
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
async function diagnose(
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

function verdict(answer: ProbeReply, compare: () => readonly Finding[]): ChannelVerdict {
  return answer.kind === "none" ? { why: answer.why } : { findings: compare() };
}

/** Returns the error of the gateway itself, if it threw one. */
function expectedOf(own: ProbeReply | undefined): ExpectedError | undefined {
  const error = own?.kind === "reply" ? own.errors[0] : undefined;
  return typeof error?.message === "string"
    ? { message: error.message, extensions: error.extensions }
    : undefined;
}

/** The routers that could have left a trace on a subgraph's error. */
interface Guess {
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
