import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { CriticalityLevel, diff } from "@graphql-inspector/core";
import { buildSchema, type GraphQLSchema } from "graphql";
import type { Subgraph } from "../federated/supergraph.ts";
import { COMPOSERS, type Composer } from "./composers.ts";
import { findEarlierSdl, SDL_PATH } from "./earlier-sdl.ts";

interface SchemaCheckOptions {
  /** The folder that has schema/ and CHANGELOG.md. */
  readonly root: string;
  /** A file or a commit to compare with, instead of the last commit that has another SDL. */
  readonly against?: string | undefined;
  readonly print: (line: string) => void;
  /** The composers that the SDL must satisfy. All of them by default. */
  readonly composers?: readonly Composer[];
}

/** Checks the published SDL and prints the findings. Returns the exit code: 0 without problems, else 1. */
export async function checkSchema(options: SchemaCheckOptions): Promise<0 | 1> {
  const { root, print, composers = COMPOSERS } = options;
  const read = (path: string): Promise<string> => readFile(join(root, path), "utf8");
  const [sdl, exampleSubgraph, changelog] = await Promise.all([
    read(SDL_PATH),
    read("schema/example-subgraph.graphql"),
    read("CHANGELOG.md"),
  ]);
  // A text that does not compose may not be SDL at all, and the comparison needs valid SDL.
  if (!checkComposition(composers, { sdl, exampleSubgraph }, print)) return 1;
  return (await checkBreakingChanges(sdl, changelog, options)) ? 0 : 1;
}

function checkComposition(
  composers: readonly Composer[],
  { sdl, exampleSubgraph }: { readonly sdl: string; readonly exampleSubgraph: string },
  print: (line: string) => void,
): boolean {
  const subgraphs = [
    { name: "cam-mfa", url: "http://127.0.0.1:4000/graphql", sdl },
    { name: "directory", url: "http://127.0.0.1:4002/graphql", sdl: exampleSubgraph },
  ];
  const results = composers.map((composer) => ({
    name: composer.name,
    problems: problemsOf(composer, subgraphs),
  }));
  const satisfied = results.filter(({ problems }) => problems.length === 0);
  print(`Composes with schema/example-subgraph.graphql: ${satisfied.length}/${composers.length} composers.`);
  for (const { name, problems } of results) for (const problem of problems) print(`  ${name}: ${problem}`);
  return satisfied.length === composers.length;
}

function problemsOf({ compose }: Composer, subgraphs: readonly Subgraph[]): readonly string[] {
  try {
    return compose(subgraphs);
  } catch (error) {
    return [(error as Error).message];
  }
}

async function checkBreakingChanges(
  sdl: string,
  changelog: string,
  { root, against, print }: SchemaCheckOptions,
): Promise<boolean> {
  const earlier = await findEarlierSdl({ root, sdl, against });
  if (earlier.kind === "none") {
    print(`Nothing to compare with: ${earlier.reason}.`);
    return against === undefined;
  }
  const recorded = recordedLines(changelog);
  const breaking = await findBreakingChanges(earlier.sdl, sdl);
  const unrecorded = breaking.filter((change) => !recorded.includes(lineFor(change)));
  print(
    breaking.length === 0
      ? `Breaks nothing of ${earlier.name}.`
      : `Breaking changes since ${earlier.name}: ${breaking.length}. CHANGELOG.md records ${breaking.length - unrecorded.length}.`,
  );
  if (unrecorded.length === 0) return true;
  print('Undo these, or add the lines under "### Breaking schema changes" in CHANGELOG.md:');
  for (const change of unrecorded) print(`- ${lineFor(change)}`);
  return false;
}

interface SchemaChange {
  /** The place in the schema, such as `Query.subUser.opUin`. */
  readonly path: string;
  readonly message: string;
}

/** Returns the breaking changes between two schemas. */
async function findBreakingChanges(earlier: string, now: string): Promise<readonly SchemaChange[]> {
  const changes = await diff(readSchema(earlier), readSchema(now));
  return changes
    .filter(({ criticality }) => criticality.level === CriticalityLevel.Breaking)
    .map(({ path = "schema", message }) => ({ path, message }));
}

function readSchema(sdl: string): GraphQLSchema {
  // The SDL does not define the federation's directives.
  return buildSchema(sdl, { assumeValidSDL: true });
}

const HEADING = "### Breaking schema changes";

/** Returns the line with which CHANGELOG.md records a breaking change. */
function lineFor({ path, message }: SchemaChange): string {
  return `\`${path}\`: ${message}`;
}

/** Returns the list items under the heading, of all releases. */
function recordedLines(changelog: string): readonly string[] {
  const sections = changelog.split(/^(?=##)/m).filter((section) => section.startsWith(`${HEADING}\n`));
  return sections.flatMap((section) =>
    [...section.matchAll(/^- (.+(?:\n {2}.+)*)/gm)].map(([, line = ""]) => line.replace(/\s+/g, " ")),
  );
}
