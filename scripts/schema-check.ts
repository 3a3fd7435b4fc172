import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { checkSchema } from "./schema-check/check-schema.ts";

/**
 * Usage: schema-check.ts [--against <file or commit>] [--root <folder>]
 *
 * Composes schema/subgraph.graphql with schema/example-subgraph.graphql, and compares it with an earlier version: the last
 * commit with another one, or the file or commit of --against. Exits with 1 if a composer refuses the schema, or if
 * CHANGELOG.md does not record a breaking change.
 */
const { values } = parseArgs({
  options: {
    against: { type: "string" },
    root: { type: "string", default: fileURLToPath(new URL("..", import.meta.url)) },
  },
});

process.exitCode = await checkSchema({ ...values, print: console.log });
