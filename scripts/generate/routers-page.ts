import { ROUTER_GUIDES, type RouterGuide, SUBGRAPH } from "../../src/cli/doctor/router-guides.ts";
import { GENERATED_NOTICE } from "./artefact.ts";
import { markdownTable } from "./markdown-table.ts";
import { ROUTER_FACTS } from "./router-facts.ts";
import { routersPageAdvice, routersPageIntroduction } from "./routers-page-introduction.ts";

/** Returns docs/consumers/routers.md. */
export function renderRoutersPage(): string {
  const blocks = [
    `<!-- ${GENERATED_NOTICE} -->`,
    "# What routers do to errors",
    routersPageIntroduction,
    "## What arrives by default",
    markdownTable(
      ["Router", "`message`", "`code`", "other extensions", "`path`"],
      ROUTER_GUIDES.map(({ title, fates }) => [
        title,
        fates.message,
        fates.code,
        fates.otherKeys,
        fates.path,
      ]),
    ),
    routersPageAdvice,
    ...ROUTER_GUIDES.map(section),
  ];
  return `${blocks.join("\n\n")}\n`;
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
