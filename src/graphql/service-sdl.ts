import { GraphQLNonNull, type GraphQLSchema, GraphQLString, isObjectType } from "graphql";

/** Writes `_Service.sdl` as the federation's specification has it, never null. Apollo's library leaves that open. */
export function promiseServiceSdl(schema: GraphQLSchema): GraphQLSchema {
  const service = schema.getType("_Service");
  const field = isObjectType(service) ? service.getFields()["sdl"] : undefined;
  if (field === undefined) throw new Error("The schema is not a subgraph.");
  field.type = new GraphQLNonNull(GraphQLString);
  return schema;
}
