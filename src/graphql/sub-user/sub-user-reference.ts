import { GraphQLError } from "graphql";
import { requireScope } from "../../auth/require-scope.ts";
import { explainUin, parseUin } from "../../contract/index.ts";
import type { GraphQLContext } from "../context.ts";
import { toGraphQLError } from "../throw-typed.ts";
import { findSubUser } from "./sub-user.resolver.ts";
import type { SubUser } from "./sub-user.type.ts";

/**
 * Finds the user that a router's representation names. Null where CAM has none; an error concerns that one
 * representation, so the rest of the list survives it. It asks CAM whatever is selected, so it has a scope of its own.
 * A subgraph that has no notion of accounts means users of the default one.
 */
export async function resolveSubUserReference(
  reference: { readonly opUin?: unknown; readonly account?: unknown },
  context: GraphQLContext,
): Promise<SubUser | null> {
  const opUin = parseUin(reference.opUin);
  if (opUin === undefined) {
    throw new GraphQLError(explainUin(reference.opUin), { extensions: { code: "BAD_USER_INPUT" } });
  }
  const { account } = reference;
  if (account !== undefined && account !== null && typeof account !== "string") {
    throw new GraphQLError("The account of a SubUser has to be a text.", {
      extensions: { code: "BAD_USER_INPUT" },
    });
  }
  try {
    requireScope(context.caller, "cam.mfa:read");
    return await findSubUser(opUin, context.loaders.of(account));
  } catch (error) {
    throw toGraphQLError(error, { requestId: context.requestId, opUin });
  }
}
