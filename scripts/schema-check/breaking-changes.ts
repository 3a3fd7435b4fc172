import { CriticalityLevel, diff } from "@graphql-inspector/core";
import { buildSchema, type GraphQLSchema } from "graphql";

export interface SchemaChange {
  /** Where, such as `Query.subUser.opUin`. */
  readonly path: string;
  readonly message: string;
}

/** The breaking changes between two schemas. */
export async function findBreakingChanges(earlier: string, now: string): Promise<readonly SchemaChange[]> {
  const changes = await diff(readSchema(earlier), readSchema(now));
  return changes
    .filter(({ criticality }) => criticality.level === CriticalityLevel.Breaking)
    .map(({ path = "schema", message }) => ({ path, message }));
}

function readSchema(sdl: string): GraphQLSchema {
  // The federation's directives are not defined in it.
  return buildSchema(sdl, { assumeValidSDL: true });
}
