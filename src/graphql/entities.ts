import { GraphQLError, type GraphQLSchema, isUnionType } from "graphql";

/**
 * Lets a representation that names no type of this subgraph fail alone. Apollo's library would fail the whole
 * list, and as a fault of ours rather than of whoever sent it.
 */
export function isolateRepresentations(schema: GraphQLSchema): GraphQLSchema {
  const field = schema.getQueryType()?.getFields()["_entities"];
  const resolve = field?.resolve;
  if (field === undefined || resolve === undefined) throw new Error("The schema is not a subgraph.");
  field.resolve = (source, { representations }: { representations: readonly unknown[] }, context, info) =>
    representations.map((representation) => {
      if (!isResolvable(representation, schema)) {
        return new GraphQLError("A representation has to name a type of this subgraph in __typename.", {
          extensions: { code: "BAD_USER_INPUT" },
        });
      }
      const [entity] = resolve(source, { representations: [representation] }, context, info) as unknown[];
      return entity;
    });
  return schema;
}

function isResolvable(representation: unknown, schema: GraphQLSchema): boolean {
  const typename = (representation as { readonly __typename?: unknown } | null)?.__typename;
  const entity = schema.getType("_Entity");
  return isUnionType(entity) && entity.getTypes().some(({ name }) => name === typename);
}
