import { CAM_ERROR_EXTENSION_KEYS } from "../../contract/index.ts";
import type { ChannelVerdict, Diagnosis, Guess } from "./diagnose.ts";
import { PROBE_REQUEST_ID } from "./probe.ts";
import type { RouterGuide, RouterId } from "./router-guides.ts";
import { ROUTER_GUIDES, SUBGRAPH } from "./router-guides.ts";

/** Returns the report. `router` is the value of --for. */
export function describeDiagnosis(diagnosis: Diagnosis, router: RouterId | undefined): string[] {
  const { channels, expected, guess, requestId, directProblem } = diagnosis;
  const lines = [
    ...(directProblem === undefined
      ? []
      : [`The gateway itself: ${directProblem} Doctor compares the router with the contract instead.`, ""]),
    ...describeChannel("setSubUserMfa, the error as thrown", channels.setSubUserMfa),
    ...describeUnseen(diagnosis),
    ...describeChannel("trySetSubUserMfa, the error as data", channels.trySetSubUserMfa),
  ];
  if (requestId !== undefined && requestId !== PROBE_REQUEST_ID) {
    lines.push("The header x-request-id does not reach the gateway; authorization may not either.", "");
  }
  const { code } = expected.extensions;
  if (code !== "NOTHING_TO_CHANGE") {
    lines.push(
      `The gateway refused the probe with ${code}, and doctor compared that error. Is the login missing?`,
      "",
    );
  }
  lines.push(...describeGuess(guess));
  if (isWhole(channels.setSubUserMfa)) return lines;
  const candidates = router === undefined ? (guess?.routers ?? []) : [router];
  return [...lines, ...describeConfiguration(candidates, guess?.subgraph ?? SUBGRAPH)];
}

/** Whether every part of a channel's error arrives unchanged. */
export function isWhole(verdict: ChannelVerdict): boolean {
  return "findings" in verdict && verdict.findings.every(({ fate }) => fate === "kept");
}

function describeChannel(title: string, verdict: ChannelVerdict): string[] {
  if ("why" in verdict) return [`${title}:`, `  unknown. ${verdict.why}`, ""];
  const width = Math.max(...verdict.findings.map(({ part }) => part.length));
  return [
    `${title}:`,
    ...verdict.findings.map(
      ({ part, fate, now }) => `  ${part.padEnd(width)}  ${fate}${now === undefined ? "" : `: ${now}`}`,
    ),
    "",
  ];
}

/** Names the keys that no probe shows: a router with a list of keys may still remove them. */
function describeUnseen({ channels, expected }: Diagnosis): string[] {
  if ("why" in channels.setSubUserMfa) return [];
  const unseen = CAM_ERROR_EXTENSION_KEYS.filter((key) => !(key in expected.extensions));
  return [`  Let these keys through too, which this probe does not show: ${unseen.join(", ")}.`, ""];
}

function describeGuess(guess: Guess | undefined): string[] {
  if (guess === undefined) return [];
  if (guess.routers.length === 0) return ["No router left a trace; this may be the gateway itself.", ""];
  return [`This looks like ${guess.routers.map(titleOf).join(" or ")}, by ${guess.by}.`, ""];
}

function describeConfiguration(routers: readonly RouterId[], subgraph: string): string[] {
  if (routers.length === 0) {
    const ids = ROUTER_GUIDES.map(({ id }) => id).join(", ");
    return [`To see the configuration, name the router: --for ${ids}. All are in docs/consumers/routers.md.`];
  }
  return [
    "Until the router lets everything through, use trySetSubUserMfa.",
    ...routers
      .map(guideOf)
      .flatMap(({ title, configuration }) => [
        "",
        `The configuration of ${title} that lets everything through (see docs/consumers/routers.md):`,
        "",
        configuration.render(subgraph).trimEnd(),
      ]),
  ];
}

function titleOf(id: RouterId): string {
  return guideOf(id).title;
}

function guideOf(id: RouterId): RouterGuide {
  const guide = ROUTER_GUIDES.find((candidate) => candidate.id === id);
  if (guide === undefined) throw new TypeError(`There is no guide for ${id}.`);
  return guide;
}
