import { readFileSync } from "node:fs";
import { buildSchema } from "graphql";

/** The published schema, without the rules of federation, which `@link` brings in. */
export const publishedSchema = buildSchema(readFileSync("schema/subgraph.graphql", "utf8"), {
  assumeValidSDL: true,
});
