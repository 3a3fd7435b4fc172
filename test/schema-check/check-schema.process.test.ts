import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { checkSchema } from "../../scripts/schema-check/check-schema.ts";
import { COMPOSERS } from "../../scripts/schema-check/composers.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const SDL_PATH = "schema/subgraph.graphql";
const SDL = readFileSync(SDL_PATH, "utf8");

/**
 * Creates a folder with the repository's schemas and a changelog, for a test to alter. The tests of the comparison run
 * no composer, because three composers take longer than the comparison.
 */
async function copyOfSchemas({ changelog = "", composers = [] as typeof COMPOSERS } = {}) {
  const { path: root } = await temporaryFolder();
  mkdirSync(join(root, "schema"));
  for (const file of [SDL_PATH, "schema/example-subgraph.graphql"]) cpSync(file, join(root, file));
  const write = (path: string, text: string): string => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
    return join(root, path);
  };
  write("CHANGELOG.md", changelog);
  const git = (...argv: readonly string[]) =>
    execFileSync("git", ["-c", "user.name=test", "-c", "user.email=test@localhost", ...argv], { cwd: root });
  const check = async (against?: string) => {
    const lines: string[] = [];
    const exitCode = await checkSchema({ root, against, composers, print: (line) => lines.push(line) });
    return { exitCode, output: lines.join("\n") };
  };
  return { write, git, check };
}

/** Returns the SDL with a replacement. @throws if the SDL does not have the text to replace. */
function altered(from: string | RegExp, to: string): string {
  const sdl = SDL.replace(from, to);
  if (sdl === SDL) throw new Error(`The SDL has no ${from}.`);
  return sdl;
}

/** Returns a pattern for a line with the description above it. */
function described(line: string): RegExp {
  return new RegExp(`^ +"""(?:\\n.*\\n *|.*)"""\\n +${line}\\n`, "m");
}

describe("composition", () => {
  test("succeeds with the example subgraph, by all three composers", async () => {
    const { check } = await copyOfSchemas({ composers: COMPOSERS });
    const { exitCode, output } = await check();
    expect(output).toMatch(/^Composes with schema\/example-subgraph\.graphql: 3\/3 composers\.$/m);
    expect(exitCode).toBe(0);
  });

  test.each([
    ["without the entity's key", altered(/@key\(fields: "opUin"\)/, "")],
    ["with a key of unknown fields", altered('@key(fields: "opUin")', '@key(fields: "uin")')],
    ["with a cost weight that is not a number", altered("@cost(weight: 2)", '@cost(weight: "two")')],
    [
      "with a list sized by an argument that is not a number",
      altered("assumedSize: 50", 'slicingArguments: ["opUins"]'),
    ],
    ["with a syntax error", altered("type Query {", "type Query {{")],
    ["with a directive that is not imported", altered('"@tag"', '"@inaccessible"')],
  ])("refuses an SDL %s, and names the composers that fail", async (_case, sdl) => {
    const { write, check } = await copyOfSchemas({ composers: COMPOSERS });
    write(SDL_PATH, sdl);
    const { exitCode, output } = await check();
    expect(output).toMatch(/^Composes with schema\/example-subgraph\.graphql: [0-2]\/3 composers\.$/m);
    expect(output).toMatch(/^ {2}(Apollo|The Guild|Cosmo): \S/m);
    expect(exitCode).toBe(1);
  });
});

describe("a breaking change", () => {
  const LINE = "`SubUser.nickname`: Field 'nickname' was removed from object type 'SubUser'";
  const earlier = altered(/(^type SubUser .*\{$)/m, "$1\n  nickname: String");

  test("is refused with the changelog line that would permit it", async () => {
    const { write, check } = await copyOfSchemas({ changelog: "# Changelog\n" });
    const { exitCode, output } = await check(write("earlier.graphql", earlier));
    expect(output).toContain(
      `Undo these, or add the lines under "### Breaking schema changes" in CHANGELOG.md:\n- ${LINE}`,
    );
    expect(exitCode).toBe(1);
  });

  test.each([
    ["as the check prints it", `- ${LINE}`],
    ["wrapped", `- ${LINE.replace(" was", "\n  was")}`],
    ["among others", `- \`Query.old\`: gone\n- ${LINE}\n\n### Added\n\n- more`],
  ])("is accepted if the changelog records it, %s", async (_case, record) => {
    const { write, check } = await copyOfSchemas({
      changelog: `## Unreleased\n\n### Breaking schema changes\n\n${record}\n`,
    });
    const { exitCode, output } = await check(write("earlier.graphql", earlier));
    expect(output).toMatch(/: 1\. CHANGELOG\.md records 1\.$/m);
    expect(exitCode).toBe(0);
  });

  test("is refused if the changelog has it under another heading", async () => {
    const { write, check } = await copyOfSchemas({
      changelog: `### Breaking schema changes\n\n### Removed\n\n- ${LINE}\n`,
    });
    expect((await check(write("earlier.graphql", earlier))).exitCode).toBe(1);
  });

  test("is found by comparison with the last commit of another SDL, before and after its own commit", async () => {
    const { write, git, check } = await copyOfSchemas();
    git("init", "--quiet");
    write(SDL_PATH, earlier);
    git("add", ".");
    git("commit", "--quiet", "--message=before");
    expect(await check()).toMatchObject({
      exitCode: 0,
      output: expect.stringContaining("Nothing to compare"),
    });
    write(SDL_PATH, SDL);
    const refused = { exitCode: 1, output: expect.stringContaining(LINE) };
    expect(await check()).toMatchObject(refused);
    git("commit", "--quiet", "--all", "--message=after");
    expect(await check()).toMatchObject(refused);
    expect(await check("HEAD")).toMatchObject({ exitCode: 0 });
    expect(await check("HEAD~1")).toMatchObject(refused);
  });
});

test.each([
  ["a field", altered(described("remark: String.*"), "")],
  ["a nullable argument", altered(described("overwriteOtherMethods: .*"), "")],
  ["a value of an enum", altered(described("IDEMPOTENCY_KEY_REUSED"), "")],
  ["a directive", altered('@tag(name: "internal")', "")],
  ["another description", altered("One sub-user. Null if CAM has no such user.", "A user.")],
])("an addition passes: %s", async (_case, earlier) => {
  const { write, check } = await copyOfSchemas();
  expect(await check(write("earlier.graphql", earlier))).toMatchObject({
    exitCode: 0,
    output: expect.stringContaining("Breaks nothing of"),
  });
});

test("the check passes outside a git repository, and reports that it compared nothing", async () => {
  const { check } = await copyOfSchemas();
  expect(await check()).toMatchObject({
    exitCode: 0,
    output: expect.stringContaining("Nothing to compare with: this is not a git repository."),
  });
});

test("the check fails for an unknown commit or file", async () => {
  const { check } = await copyOfSchemas();
  expect(await check("nowhere")).toMatchObject({
    exitCode: 1,
    output: expect.stringContaining("nowhere is neither a file nor a commit"),
  });
});
