import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadExamples } from "../../../src/http/playground/playground.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const shipped = join(import.meta.dirname, "../../../schema/examples");

test("every shipped file becomes one example, in the order of the file names", async () => {
  const files = (await readdir(shipped)).filter((file) => file.endsWith(".graphql")).sort();
  const examples = await loadExamples(shipped);
  expect(examples).toHaveLength(files.length);
  expect(examples[0]).toMatchObject({
    name: "SwitchProtectionOn",
    title: "Switch protection on for one sub-user.",
    description: expect.stringContaining("Returns "),
  });
});

test("every shipped example has a unique name, a title of one line and a description of the result", async () => {
  const examples = await loadExamples(shipped);
  expect(new Set(examples.map((example) => example.name)).size).toBe(examples.length);
  for (const example of examples) {
    expect(example.title, example.name).toMatch(/^[A-Z].*\.$/);
    expect(example.description, example.name).toContain("Returns ");
  }
});

test("the comment ends where the operation begins", async () => {
  const directory = await folderWith(
    "# Title.\n#\n# First line\n# second line.\n\n# Not any more.\nquery A { a }\n",
  );
  expect(await loadExamples(directory)).toMatchObject([
    { name: "A", title: "Title.", description: "First line second line.", errorCode: null },
  ]);
});

test.each([
  ["errors[0].extensions.code is NO_PHONE.", "NO_PHONE"],
  ["a CamFailure with code NO_PHONE.", "NO_PHONE"],
  ["the code behind it, and the codes of OTHERS.", null],
])("the error code of an example comes from its comment: %s", async (comesBack, errorCode) => {
  const directory = await folderWith(`# Title.\n# Returns ${comesBack}\nquery A { a }\n`);
  expect(await loadExamples(directory)).toMatchObject([{ errorCode }]);
});

test.each([
  ["no leading comment", "query A { a }", "does not begin with a comment"],
  ["no name", "# Title.\n{ a }", "does not hold exactly one named operation"],
  ["two operations", "# Title.\nquery A { a }\nquery B { b }", "does not hold exactly one named operation"],
  ["a syntax error", "# Title.\nquery A {", "is not a GraphQL document"],
])("a file with %s is refused, and the error names the file", async (_case, content, problem) => {
  const directory = await folderWith(content);
  await expect(loadExamples(directory)).rejects.toThrow(`${join(directory, "01-a.graphql")} ${problem}`);
});

async function folderWith(content: string): Promise<string> {
  const { path: directory } = await temporaryFolder();
  await writeFile(join(directory, "01-a.graphql"), content);
  await writeFile(join(directory, "README.md"), "not an example");
  return directory;
}
