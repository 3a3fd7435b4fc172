import { GraphQLError } from "graphql";
import { DEFAULT_ACCOUNT } from "../../auth/accounts.ts";
import { requireScope } from "../../auth/caller.ts";
import { explainUin, parseUin } from "../../contract/index.ts";
import type { GraphQLContext } from "../context.ts";
import { toGraphQLError } from "../throw-typed.ts";
import { findSubUser } from "./sub-user.resolver.ts";
import type { SubUser } from "./sub-user.type.ts";
import { parseSubUserId, type SubUserName } from "./sub-user-id.ts";

/**
 * Finds the user that a router's representation names: by the id, or by the Uin alone where whoever names it has no
 * notion of accounts and means the default one. Null where CAM has none; an error concerns that one representation, so
 * the rest of the list survives it. It asks CAM whatever is selected, so it has a scope of its own.
 */
export async function resolveSubUserReference(
  reference: { readonly id?: unknown; readonly opUin?: unknown },
  context: GraphQLContext,
): Promise<SubUser | null> {
  const { account, opUin } = nameIn(reference);
  try {
    requireScope(context.caller, "cam.mfa:read");
    return await findSubUser(opUin, context.loaders.of(account));
  } catch (error) {
    throw toGraphQLError(error, { requestId: context.requestId, opUin });
  }
}

function nameIn({ id, opUin }: { readonly id?: unknown; readonly opUin?: unknown }): SubUserName {
  if (id !== undefined) {
    const name = parseSubUserId(id);
    if (name !== undefined) return name;
    throw badInput(
      "The id of a SubUser is its Uin, with its account and a slash before it where it has one.",
    );
  }
  const uin = parseUin(opUin);
  if (uin === undefined) throw badInput(explainUin(opUin));
  return { account: DEFAULT_ACCOUNT, opUin: uin };
}

function badInput(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: "BAD_USER_INPUT" } });
}
