import type { GraphQLSchema } from "graphql";
import { NO_SERVICES } from "../../src/graphql/no-services.ts";
import { buildGatewaySchema } from "../../src/graphql/schema.ts";

/** The gateway's schema without services, for tests of the schema itself. */
export function schemaOfNothing(): GraphQLSchema {
  return buildGatewaySchema(NO_SERVICES);
}
