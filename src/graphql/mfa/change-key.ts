import {
  GraphQLIncludeDirective,
  type GraphQLResolveInfo,
  GraphQLSkipDirective,
  getDirectiveValues,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
} from "graphql";
import type { GraphQLContext } from "../context.ts";

/** The fields that ask for a change. An approval has its change's id, and needs no key to be repeated. */
const CHANGES: ReadonlySet<string> = new Set(["setSubUserMfa", "trySetSubUserMfa"]);

/**
 * Returns the idempotency key of one change: of the first in its operation the header's key, of the n-th that key, a slash
 * and n. The order of changes decides, and neither their aliases nor their form, so that a key stands for one request. A
 * subject is somebody only together with the issuer: two of them may know different people by one name.
 */
export function changeKey(
  { idempotencyKey, caller: { issuer } }: Pick<GraphQLContext, "idempotencyKey" | "caller">,
  info: GraphQLResolveInfo,
): string | undefined {
  if (idempotencyKey === undefined) return undefined;
  const place = responseKeysOfChanges(info).indexOf(String(info.path.key)) + 1;
  const key = place === 1 ? idempotencyKey : `${idempotencyKey}/${place}`;
  return issuer === undefined ? key : `${key} ${issuer}`;
}

/** In the order in which the operation makes its changes. Fields of one response key are one change. */
function responseKeysOfChanges(info: GraphQLResolveInfo): readonly string[] {
  const keys = new Set<string>();
  const collect = ({ selections }: SelectionSetNode): void => {
    for (const selection of selections) {
      if (!isIncluded(selection, info)) continue;
      if (selection.kind === Kind.FIELD) {
        if (CHANGES.has(selection.name.value)) keys.add((selection.alias ?? selection.name).value);
      } else if (selection.kind === Kind.INLINE_FRAGMENT) collect(selection.selectionSet);
      else {
        const fragment = info.fragments[selection.name.value];
        if (fragment !== undefined) collect(fragment.selectionSet);
      }
    }
  };
  collect(info.operation.selectionSet);
  return [...keys];
}

function isIncluded(selection: SelectionNode, { variableValues }: GraphQLResolveInfo): boolean {
  const skip = getDirectiveValues(GraphQLSkipDirective, selection, variableValues)?.["if"];
  const include = getDirectiveValues(GraphQLIncludeDirective, selection, variableValues)?.["if"];
  return skip !== true && include !== false;
}
