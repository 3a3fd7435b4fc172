import { BREAK, type GraphQLError, type GraphQLSchema, Kind, visit } from "graphql";
import { isKept } from "../documents/document-reader.ts";
import { countFields, exceedsAnswerSize, LENGTHS } from "./answer-size-limit.ts";
import { type CamCallLimit, exceedsCamCalls, fewestCalls, LISTS_OF_USERS } from "./cam-call-limit.ts";
import { type Operation, selectFields } from "./selected-fields.ts";

/** What running an operation takes. */
export interface Cost {
  /** Fields that the answer may have. */
  readonly fields: number;
  /** Why it is not run; undefined where it may be. */
  readonly refusal: GraphQLError | undefined;
}

/**
 * Refuses what costs too much to answer. Measuring an operation costs more than running most, so how large its answer can
 * get is remembered where no variable has a say in that, for as long as the document is kept.
 */
export class CostLimit {
  readonly #fields = new WeakMap<Operation["operation"], number>();

  measure(schema: GraphQLSchema, asked: Operation, limit: CamCallLimit): Cost {
    const known = this.#fields.get(asked.operation);
    // No field makes more than one call of an action.
    if (known !== undefined && known <= fewestCalls(limit)) return { fields: known, refusal: undefined };
    const selected = selectFields(schema, asked);
    if (selected === undefined) return { fields: 0, refusal: undefined };
    const fields = countFields(selected);
    const refusal = exceedsAnswerSize(fields) ?? exceedsCamCalls(selected, limit);
    if (refusal === undefined && isKept(asked.document) && !costsByVariables(asked))
      this.#fields.set(asked.operation, fields);
    return { fields, refusal };
  }
}

/** Fields whose arguments say how much they cost. */
const SIZED: ReadonlySet<string | undefined> = new Set(
  [...Object.keys(LENGTHS), ...Object.keys(LISTS_OF_USERS)].map((field) => field.split(".")[1]),
);

/** Whether a variable says how long a list is, or whether a field is there at all. */
function costsByVariables({ document, operation }: Operation): boolean {
  if (operation.variableDefinitions?.length === 0) return false;
  let found = false;
  visit(document, {
    Variable: (_variable, _key, _parent, _path, ancestors) => {
      const decides = ancestors.some((ancestor) => {
        if (Array.isArray(ancestor)) return false;
        const node = ancestor as Exclude<typeof ancestor, readonly unknown[]>;
        return node.kind === Kind.DIRECTIVE || (node.kind === Kind.FIELD && SIZED.has(node.name.value));
      });
      if (!decides) return undefined;
      found = true;
      return BREAK;
    },
  });
  return found;
}
