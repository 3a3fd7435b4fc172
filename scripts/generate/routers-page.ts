import {
  ROUTER_GUIDES,
  type RouterGuide,
  type RouterId,
  SUBGRAPH,
} from "../../src/cli/doctor/router-guides.ts";
import { type Answer, RECORDINGS, type Recording } from "../../test/conformance/support/recordings.ts";
import { GENERATED_NOTICE } from "./artefact.ts";
import { markdownTable } from "./markdown-table.ts";
import { ROUTER_FACTS } from "./router-facts.ts";
import {
  routersPageAdvice,
  routersPageIntroduction,
  routersPageLimits,
} from "./routers-page-introduction.ts";

/** Returns docs/consumers/routers.md. */
export function renderRoutersPage(): string {
  const blocks = [
    `<!-- ${GENERATED_NOTICE} -->`,
    "# What routers do to errors",
    routersPageIntroduction,
    "## What arrives",
    markdownTable(
      ["Router", "Version", "`message`", "`code`", "other extensions", "`path`", "as below", "as data"],
      ROUTER_GUIDES.map(arrivals),
    ),
    routersPageAdvice,
    "## Cost limits and trusted documents",
    routersPageLimits,
    limits(),
    ...ROUTER_GUIDES.map(section),
  ];
  return `${blocks.join("\n\n")}\n`;
}

/** The row of a router: what arrives of a thrown error by default and as configured below, and of errors as data. */
function arrivals({ id, title, fates }: RouterGuide): string[] {
  const [byDefault, byDocs] = [recordingOf(id, "default"), recordingOf(id, "docs")];
  const version =
    byDefault === undefined ? "of `package.json`" : `${byDefault.version}, recorded ${byDefault.date}`;
  const ofData = byDefault === undefined ? "all" : `all of ${byDefault.errors.length} errors`;
  const thrown = byDocs === undefined ? "all kept" : `all kept of ${byDocs.errors.length} errors`;
  return [title, version, fates.message, fates.code, fates.otherKeys, fates.path, thrown, ofData];
}

const COSTS = ["a user", "two users", "a change", "a change, errors as data"] as const;

/** A row for each recorded router: its estimated costs, and the errors of refused operations. */
function limits(): string {
  const refusal = ({ status, errors }: Answer) =>
    `${errors[0]?.extensions?.code ?? "no code"}, HTTP ${status}`;
  const rows = ROUTER_GUIDES.flatMap(({ id, title }) => {
    const { cost, trustedDocuments: trusted } = recordingOf(id, "default")?.observed ?? {};
    if (cost === undefined || trusted === undefined || "refuses" in cost || "refuses" in trusted) return [];
    const estimates = [...COSTS.map((what) => cost.operations[what]), cost.list];
    const refusals = [cost.list, trusted.unknownId, trusted.otherDocument].map(refusal);
    return [[title, ...estimates.map((each) => String(each?.estimated)), ...refusals]];
  });
  return markdownTable(
    ["Router", ...COSTS, "a list of users", "over the limit", "an unknown id", "a document without id"],
    rows,
  );
}

function recordingOf(router: RouterId, by: Recording["by"]): Recording | undefined {
  return RECORDINGS.map(({ recording }) => recording).find(
    (each) => each.router === router && each.by === by,
  );
}

function section({ id, title, configuration }: RouterGuide): string {
  const { byDefault, remarks, retries, sources } = ROUTER_FACTS[id];
  const { file, language, render } = configuration;
  return [
    `## ${title}`,
    list(byDefault),
    `This configuration keeps errors whole and forwards the headers that the gateway needs ([${file}](routers/${file})):`,
    `\`\`\`${language}\n${render(SUBGRAPH)}\`\`\``,
    list(remarks),
    `**Retries.** ${retries.join(" ")}`,
    `Sources: ${sources.map((address) => `<${address}>`).join(", ")}`,
  ].join("\n\n");
}

function list(sentences: readonly string[]): string {
  return sentences.map((sentence) => `- ${sentence}`).join("\n");
}
