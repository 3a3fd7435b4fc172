import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { checkSchema } from "./schema-check/check-schema.ts";

/**
 * Usage: schema-check.ts [--against <file or commit>] [--root <folder>]
 *
 * Composes schema/subgraph.graphql with schema/example-subgraph.graphql, and compares it with what it was: in the last commit
 * that has another one, or in the file or commit that --against names. Exits with 1 where a composer refuses it, or
 * where it breaks what consumers rely on and CHANGELOG.md does not say so.
 */
const { values } = parseArgs({
  options: {
    against: { type: "string" },
    root: { type: "string", default: fileURLToPath(new URL("..", import.meta.url)) },
  },
});

process.exitCode = await checkSchema({ ...values, print: console.log });
