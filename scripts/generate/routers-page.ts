import {
  ROUTER_GUIDES,
  type RouterGuide,
  type RouterId,
  SUBGRAPH,
} from "../../src/cli/doctor/router-guides.ts";
import { RECORDINGS, type Recording } from "../../test/conformance/support/recordings.ts";
import { GENERATED_NOTICE } from "./artefact.ts";
import { markdownTable } from "./markdown-table.ts";
import { ROUTER_FACTS } from "./router-facts.ts";
import { routersPageAdvice, routersPageIntroduction } from "./routers-page-introduction.ts";

/** The routers that the tests run. */
const ON_NPM: readonly RouterId[] = ["apollo-gateway", "hive-gateway"];

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
    ...ROUTER_GUIDES.map(section),
  ];
  return `${blocks.join("\n\n")}\n`;
}

/** The row of a router: what arrives of a thrown error by default and as configured below, and of errors as data. */
function arrivals({ id, title, fates }: RouterGuide): string[] {
  const of = (by: Recording["by"]) =>
    RECORDINGS.map(({ recording }) => recording).find((each) => each.router === id && each.by === by);
  const [byDefault, byDocs] = [of("default"), of("docs")];
  const known = ON_NPM.includes(id) ? "of `package.json`" : "by its sources";
  const version = byDefault === undefined ? known : `${byDefault.version}, recorded ${byDefault.date}`;
  const ofData = byDefault === undefined ? "all" : `all of ${byDefault.errors.length} errors`;
  const thrown = byDocs === undefined ? "all kept" : `all kept of ${byDocs.errors.length} errors`;
  return [title, version, fates.message, fates.code, fates.otherKeys, fates.path, thrown, ofData];
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
