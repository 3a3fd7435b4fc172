import { BREAK, type DocumentNode, type GraphQLError, type GraphQLSchema, Kind, visit } from "graphql";
import { countFields, exceedsAnswerSize, LENGTHS } from "./answer-size-limit.ts";
import { type CamCallLimit, exceedsCamCalls, fewestCalls, LISTS_OF_USERS } from "./cam-call-limit.ts";
import { hasValidVariables, type Operation } from "./measure-operation.ts";

/**
 * Refuses what costs too much to answer. Measuring an operation costs more than running most, so how large its answer can
 * get is remembered where no variable has a say in that, for as long as Apollo keeps its document.
 */
export class CostLimit {
  readonly #fields = new WeakMap<Operation["operation"], number>();

  /** Why an operation is not run, or undefined where it may be. */
  refuse(schema: GraphQLSchema, asked: Operation, limit: CamCallLimit): GraphQLError | undefined {
    // No field makes more than one call of an action.
    if ((this.#fields.get(asked.operation) ?? Number.POSITIVE_INFINITY) <= fewestCalls(limit))
      return undefined;
    if (!hasValidVariables(schema, asked)) return undefined;
    const fields = countFields(schema, asked);
    const refusal = exceedsAnswerSize(fields) ?? exceedsCamCalls(schema, asked, limit);
    if (refusal === undefined && !costsByVariables(asked.document)) this.#fields.set(asked.operation, fields);
    return refusal;
  }
}

/** Fields whose arguments say how much they cost. */
const SIZED: ReadonlySet<string | undefined> = new Set(
  [...Object.keys(LENGTHS), ...Object.keys(LISTS_OF_USERS)].map((field) => field.split(".")[1]),
);

/** Whether a variable says how long a list is, or whether a field is there at all. */
function costsByVariables(document: DocumentNode): boolean {
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
