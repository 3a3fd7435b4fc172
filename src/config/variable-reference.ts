import { z } from "zod";
import type { VariableGroup } from "./variable-schemas.ts";
import { metaOf, unwrap, VARIABLE_GROUPS } from "./variables.ts";

/** A variable as the help and the documentation show it. */
interface Described {
  readonly name: string;
  readonly help: string;
  /** The default value; empty for none. */
  readonly fallback: string;
  /** The default in words, if it depends on something else. */
  readonly otherwise: string | undefined;
}

const WIDTH = 118;

/** Returns the section of --help: a line for each variable, with the first sentence of its help text. */
export function variableHelp(): string {
  const sections = VARIABLE_GROUPS.map((group) => {
    const lines = describe(group).map(({ name, help, fallback, otherwise }) => {
      const [first = ""] = help.split(/\.(?: |$)/);
      const value = otherwise ?? fallback;
      return wrap(`${name.padEnd(34)}  ${first}${value === "" ? "" : ` (${value})`}`, "    ", " ".repeat(40));
    });
    return [`\n  ${group.title}`, ...lines].join("\n");
  });
  return `Environment variables, which .env.example explains in full:\n${sections.join("\n")}`;
}

/** Returns .env.example: every variable as a comment with its default. */
export function renderEnvExample(notice: string): string {
  const header = `${wrap(notice, "# ")}
# Every variable of the gateway, as a comment with its default. npm start needs none of them.
#
# The gateway reads its environment and no file. To pass a copy of this file, after npm run build:
#   node_modules/.bin/node --env-file=.env dist/main.js serve     (server mode; local mode with --local)
# An empty variable counts as not set. The gateway reports all mistakes in one run; check-config does only that.`;
  const sections = VARIABLE_GROUPS.map((group) => {
    const title = `# --- ${group.title} ---`;
    const introduction = group.introduction === undefined ? [] : [wrap(group.introduction, "# ")];
    const rows = describe(group).map(
      ({ name, help, fallback, otherwise }) =>
        `\n${wrap(help + (otherwise === undefined ? "" : ` Default: ${otherwise}.`), "# ")}\n#${name}=${fallback}`,
    );
    return [title, ...introduction, ...rows].join("\n");
  });
  return `${[header, ...sections].join("\n\n")}\n`;
}

/**
 * Returns the documentation page: a table for each group.
 *
 * @param table Renders a Markdown table.
 */
export function renderConfigurationPage(
  notice: string,
  table: (head: readonly string[], rows: readonly (readonly string[])[]) => string,
): string {
  const sections = VARIABLE_GROUPS.map((group) => {
    const rows = describe(group).map(({ name, help, fallback, otherwise }) => {
      const value = otherwise ?? (fallback === "" ? "none" : `\`${fallback}\``);
      return [`\`${name}\``, value, help.replaceAll("|", "\\|").replaceAll("<", "&lt;")];
    });
    const introduction = group.introduction === undefined ? [] : [group.introduction, ""];
    return [`## ${group.title}`, "", ...introduction, table(["Variable", "Default", "Meaning"], rows)].join(
      "\n",
    );
  });
  const page = `<!-- ${notice} -->

# Configuration

Environment variables configure the gateway. \`npm start -- --check-config\` checks them, reports every mistake in one run,
and exits with 78 if there is one. An empty variable counts as not set. The gateway refuses an unknown variable that looks
like its own. [.env.example](../../.env.example) lists the same variables as a file to copy.

Contents:
${VARIABLE_GROUPS.map(({ title }) => `[${title}](#${title.toLowerCase().replaceAll(" ", "-")})`).join(" · ")}`;
  return `${[page, ...sections].join("\n\n")}\n`;
}

function describe({ variables }: VariableGroup): readonly Described[] {
  return Object.entries(variables).map(([name, schema]) => {
    const { description = "", otherwise, needs, excludes, range } = metaOf(schema);
    const facts = [
      description,
      range === undefined ? "" : `Range: ${range}.`,
      choicesOf(schema),
      needs === undefined ? "" : `It needs ${needs}.`,
      excludes === undefined ? "" : `It excludes ${excludes}.`,
    ];
    const fallback = z.safeParse(schema, undefined).data;
    return {
      name,
      help: facts.filter(Boolean).join(" "),
      fallback: fallback === undefined ? "" : String(fallback),
      otherwise,
    };
  });
}

function choicesOf(schema: z.core.$ZodType): string {
  const inner = unwrap(schema);
  return inner instanceof z.ZodEnum ? `One of ${inner.options.join(", ")}.` : "";
}

/** Breaks a text into lines of at most WIDTH letters, each with its prefix. */
function wrap(text: string, first: string, rest = first): string {
  const lines: string[] = [];
  let line = first;
  for (const word of text.split(" ")) {
    const isFull = line.trim() !== first.trim() && line.length + word.length > WIDTH;
    if (isFull) lines.push(line.trimEnd());
    line = isFull ? `${rest}${word} ` : `${line}${word} `;
  }
  return [...lines, line.trimEnd()].join("\n");
}
