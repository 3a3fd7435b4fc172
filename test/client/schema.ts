import { readFileSync } from "node:fs";
import { buildSchema } from "graphql";

/** The published schema. Not validated, because the types of federation come from `@link`. */
export const publishedSchema = buildSchema(readFileSync("schema/subgraph.graphql", "utf8"), {
  assumeValidSDL: true,
});
