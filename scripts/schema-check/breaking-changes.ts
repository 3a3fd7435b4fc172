import { CriticalityLevel, diff } from "@graphql-inspector/core";
import { buildSchema, type GraphQLSchema } from "graphql";

export interface SchemaChange {
  /** The place in the schema, such as `Query.subUser.opUin`. */
  readonly path: string;
  readonly message: string;
}

/** Returns the breaking changes between two schemas. */
export async function findBreakingChanges(earlier: string, now: string): Promise<readonly SchemaChange[]> {
  const changes = await diff(readSchema(earlier), readSchema(now));
  return changes
    .filter(({ criticality }) => criticality.level === CriticalityLevel.Breaking)
    .map(({ path = "schema", message }) => ({ path, message }));
}

function readSchema(sdl: string): GraphQLSchema {
  // The SDL does not define the federation's directives.
  return buildSchema(sdl, { assumeValidSDL: true });
}
