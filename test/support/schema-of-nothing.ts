import type { GraphQLSchema } from "graphql";
import { buildGatewaySchema } from "../../src/graphql/schema.ts";

/** The gateway's schema without services, for tests of the schema itself. */
export function schemaOfNothing(): GraphQLSchema {
  const unused = (): Promise<never> => Promise.reject(new Error("unused"));
  return buildGatewaySchema({
    changes: { setSubUserMfa: unused, approve: unused, reject: unused },
    pausedCallers: { list: unused, resume: unused },
    log: { find: unused, read: unused, list: unused },
    events: { list: unused },
    accounts: { visibleTo: () => [], select: () => [], require: () => ({ name: "default" }) },
    directory: { list: unused, count: unused, coverage: unused },
    drift: { list: unused },
    scans: { request: unused, pause: unused, resume: unused, states: unused },
  });
}
