import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type DocumentNode, Kind, parse } from "graphql";
import type { PlaygroundExample } from "./boot-data.ts";

/**
 * Reads every `*.graphql` file of a folder, in the order of the file names. Each file is one named operation under a
 * comment. The first line of the comment is the title. The rest describes the result, and names an error as "code X" or
 * "code is X". Throws an error with the path of a file that has another form.
 */
export async function loadExamples(directory: string): Promise<PlaygroundExample[]> {
  const files = (await readdir(directory)).filter((file) => file.endsWith(".graphql")).sort();
  return Promise.all(
    files.map(async (file) => {
      const path = join(directory, file);
      return parseExample(await readFile(path, "utf8"), path);
    }),
  );
}

function parseExample(document: string, path: string): PlaygroundExample {
  const [title = "", ...rest] = leadingComment(document);
  if (title === "") {
    throw new Error(`${path} does not begin with a comment that says what it shows.`);
  }
  const description = rest.join(" ");
  const errorCode = /\bcode (?:is )?([A-Z_]+)\b/.exec(description)?.[1] ?? null;
  return { name: operationName(document, path), title, description, errorCode, document };
}

function leadingComment(document: string): string[] {
  const lines = document.split("\n");
  const end = lines.findIndex((line) => !line.startsWith("#"));
  return lines
    .slice(0, end)
    .map((line) => line.slice(1).trim())
    .filter((line) => line !== "");
}

function operationName(document: string, path: string): string {
  const operations = parseDocument(document, path).definitions.filter(
    (definition) => definition.kind === Kind.OPERATION_DEFINITION,
  );
  const name = operations[0]?.name?.value;
  if (operations.length !== 1 || name === undefined) {
    throw new Error(`${path} does not hold exactly one named operation.`);
  }
  return name;
}

function parseDocument(document: string, path: string): DocumentNode {
  try {
    return parse(document);
  } catch (cause) {
    throw new Error(`${path} is not a GraphQL document.`, { cause });
  }
}
