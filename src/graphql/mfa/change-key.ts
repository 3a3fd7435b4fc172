import { type GraphQLResolveInfo, Kind, type SelectionSetNode } from "graphql";
import type { GraphQLContext } from "../context.ts";
import { isIncluded } from "../limits/selected-fields.ts";

/** The fields that request a change. An approval needs no key, because it has the id of its change. */
const CHANGES: ReadonlySet<string> = new Set(["setSubUserMfa", "trySetSubUserMfa"]);

/**
 * Returns the idempotency key of one change. The first change of an operation has the header's key. The n-th change has
 * that key, a slash and n. The order of the changes decides, not their aliases or form, so a key belongs to one
 * request. The key includes the issuer, because two issuers may give one subject to different people.
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

/** Returns the response keys of an operation's changes in order. Fields with the same response key are one change. */
function responseKeysOfChanges({
  operation,
  fragments,
  variableValues,
}: GraphQLResolveInfo): readonly string[] {
  const keys = new Set<string>();
  const collect = ({ selections }: SelectionSetNode): void => {
    for (const selection of selections) {
      if (!isIncluded(selection, variableValues)) continue;
      if (selection.kind === Kind.FIELD) {
        if (CHANGES.has(selection.name.value)) keys.add((selection.alias ?? selection.name).value);
        continue;
      }
      const fragment = selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments[selection.name.value];
      if (fragment !== undefined) collect(fragment.selectionSet);
    }
  };
  collect(operation.selectionSet);
  return [...keys];
}
