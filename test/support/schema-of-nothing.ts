import type { GraphQLSchema } from "graphql";
import { buildGatewaySchema } from "../../src/graphql/schema.ts";

/** The gateway's schema with nothing behind it, for what can be said of a schema without asking it. */
export function schemaOfNothing(): GraphQLSchema {
  const unused = (): Promise<never> => Promise.reject(new Error("unused"));
  return buildGatewaySchema({
    changes: { setSubUserMfa: unused },
    approvals: { approve: unused, reject: unused },
    pausedCallers: { list: unused, resume: unused },
    log: { find: unused, read: unused, list: unused },
    accounts: { visibleTo: () => [] },
  });
}
