import { CAM_ERROR_EXTENSION_KEYS } from "../../contract/index.ts";
import type { GatewayConnection } from "../gateway-connection.ts";
import { Group } from "./checkup.ts";
import { type ChannelVerdict, type Diagnosis, diagnose, type Guess } from "./diagnose.ts";
import { Fault } from "./faults.ts";
import { PROBE_REQUEST_ID } from "./probe.ts";
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
