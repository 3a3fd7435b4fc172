import {
  BREAK,
  type DocumentNode,
  type GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  Kind,
  type OperationTypeNode,
  visit,
} from "graphql";
import { CAM_ERROR_CATALOGUE } from "../contract/index.ts";
import { LISTS_OF_USERS } from "./directives.ts";
import { limitRefusal } from "./documents/document-limits.ts";
import { DocumentReader, isCacheable } from "./documents/document-reader.ts";
import {
  type CamCallLimit,
  camCallsRefusal,
  maxCallsOfSlowest,
  type Operation,
  type SelectedField,
  selectFields,
  sumOver,
} from "./selected-fields.ts";

export interface RequestedOperation {
  readonly query: string;
  readonly operationName: string | undefined;
  readonly variables: Readonly<Record<string, unknown>> | undefined;
}

/** The decision about an operation before it runs. */
export interface AdmittedOperation {
  /** Undefined if the document may not run, or has no such operation. */
  readonly type: OperationTypeNode | undefined;
  /** Undefined if the document may not run. */
  readonly document: DocumentNode | undefined;
  /** The reasons why the operation may not run. Empty if it may. */
  readonly errors: readonly GraphQLError[];
  /** The estimated processing time of the operation in milliseconds, correct to an order of magnitude. */
  readonly effort: number;
  /** Whether the operation reads only `_service`, the schema for a router. */
  readonly isService: boolean;
}

/** The slowest documents within all limits take about 1 ms for this many characters. */
const CHARACTERS_PER_MS = 1_000;

/** 20,000 fields take 200 ms. */
const FIELDS_PER_MS = 100;

/** Reads documents, measures operations, and decides which may run. */
export class Admission {
  readonly #schema: GraphQLSchema;
  readonly #reader: DocumentReader;
  readonly #costLimit = new CostLimit();

  /** @param options.introspection Whether callers may read the schema. */
  constructor(options: { readonly schema: GraphQLSchema; readonly introspection: boolean }) {
    this.#schema = options.schema;
    this.#reader = new DocumentReader(options);
  }

  /**
   * Decides whether an operation may run.
   *
   * @param limit The limit on the CAM calls of one operation.
   */
  admit(
    { query, operationName, variables = {} }: RequestedOperation,
    limit: CamCallLimit,
  ): AdmittedOperation {
    const reading = this.#reader.read(query);
    const readEffort = reading.isNew ? query.length / CHARACTERS_PER_MS : 0;
    const unmeasured = { type: undefined, effort: readEffort, isService: false };
    if ("errors" in reading) return { ...unmeasured, document: undefined, errors: reading.errors };
    const { document } = reading;
    const operation = getOperationAST(document, operationName);
    // GraphQL reports the missing operation when it executes the document.
    if (!operation) return { ...unmeasured, document, errors: [] };
    const { fields, refusal } = this.#costLimit.measure(
      this.#schema,
      { document, operation, variables },
      limit,
    );
    return {
      type: operation.operation,
      document,
      errors: refusal === undefined ? [] : [refusal],
      effort: readEffort + (refusal === undefined ? fields / FIELDS_PER_MS : 0),
      isService: operation.selectionSet.selections.every(
        (selection) => selection.kind === Kind.FIELD && selection.name.value === "_service",
      ),
    };
  }
}

/** The fields of 2,000 users with their whole profiles. They keep the process busy for 200 ms. */
export const MAX_FIELDS = 20_000;

/** The assumed length of a list when the arguments do not give it. */
const DEFAULT_LENGTH = 20;

/** The number of items of each list field, from its arguments. */
const LENGTHS: Readonly<Record<string, (argument: SelectedField["argument"]) => number>> = {
  "Query.subUsers": (argument) => lengthOf(argument("opUins")),
  "Query._entities": (argument) => lengthOf(argument("representations")),
  "Query.camErrors": () => CAM_ERROR_CATALOGUE.length,
  "Query.camQuota": () => DEFAULT_LENGTH,
  "Query.mfaChanges": pageLength,
  "Query.auditEvents": pageLength,
  "Query.subUserDirectory": pageLength,
  "Query.mfaDrift": pageLength,
  "Query.mfaCoverage": () => DEFAULT_LENGTH,
  "Query.directoryScans": () => DEFAULT_LENGTH,
  "Query.mfaRollouts": pageLength,
  "MfaRollout.items": pageLength,
  "MfaRollout.lanes": () => DEFAULT_LENGTH,
};

/** The weights of slow fields, in ordinary fields: reads of the record and the directory, and the schema as text. */
const WEIGHTS: Readonly<Record<string, number>> = {
  "Query.mfaChange": 100,
  "Query.mfaChanges": 100,
  "Query.auditEvents": 100,
  "Query.subUserDirectory": 1_000,
  "Query.mfaDrift": 100,
  "Query.mfaRolloutBundle": 1_000,
  "Query.mfaCoverage": 1_000,
  "Query.mfaRollouts": 100,
  "MfaRollout.counts": 200,
  "MfaRollout.items": 200,
  "MfaRollout.lanes": 100,
  "MfaRollout.progress": 100,
  "_Service.sdl": 200,
};

/** GraphQL's own rules limit the depth of an introspection query. These weights limit how often it is repeated. */
const INTROSPECTION: Readonly<Record<string, number>> = { __schema: 2_000, __type: 100 };

/** The names of fields whose arguments decide the cost. */
const FIELDS_WITH_LENGTH: ReadonlySet<string | undefined> = new Set(
  [...Object.keys(LENGTHS), ...Object.keys(LISTS_OF_USERS)].map((field) => field.split(".")[1]),
);

/**
 * Refuses an operation whose answer gets too large or that needs too many CAM calls. Measuring most operations takes
 * longer than running them. If no variable influences the cost, the result is therefore kept as long as the document.
 */
export class CostLimit {
  readonly #fields = new WeakMap<Operation["operation"], number>();

  /** Returns the number of fields that the answer can have, and the refusal of an operation that may not run. */
  measure(
    schema: GraphQLSchema,
    asked: Operation,
    limit: CamCallLimit,
  ): { readonly fields: number; readonly refusal: GraphQLError | undefined } {
    const known = this.#fields.get(asked.operation);
    // A field counts at most one call of an action.
    if (known !== undefined && known <= maxCallsOfSlowest(limit))
      return { fields: known, refusal: undefined };
    const selected = selectFields(schema, asked);
    if (selected === undefined) return { fields: 0, refusal: undefined };
    const fields = sumOver(selected, estimateFields);
    const refusal = answerSizeRefusal(fields) ?? camCallsRefusal(selected, limit);
    if (refusal === undefined && isCacheable(asked.document) && !variablesAffectCost(asked))
      this.#fields.set(asked.operation, fields);
    return { fields, refusal };
  }
}

function estimateFields({ name, field, argument }: SelectedField, inner: number): number {
  const introspection = INTROSPECTION[field.name];
  if (introspection !== undefined) return introspection;
  return (WEIGHTS[name] ?? 0) + (LENGTHS[name]?.(argument) ?? 1) * (1 + inner);
}

function pageLength(argument: SelectedField["argument"]): number {
  const first = argument("first");
  return typeof first === "number" ? Math.max(1, first) : DEFAULT_LENGTH;
}

function lengthOf(list: unknown): number {
  return Array.isArray(list) ? list.length : 0;
}

/**
 * Refuses an operation whose answer could block the process for other callers. Even an operation without CAM calls can
 * do that. For example, a document can select the error catalogue under a thousand aliases.
 */
function answerSizeRefusal(fields: number): GraphQLError | undefined {
  if (fields <= MAX_FIELDS) return undefined;
  return limitRefusal(
    `The answer could have ${fields} fields. Ask for at most ${MAX_FIELDS} at a time, counting those of a list for each ` +
      "of its items.",
  );
}

/** Returns whether a variable decides the length of a list or the selection of a field. */
function variablesAffectCost({ document, operation }: Operation): boolean {
  if (operation.variableDefinitions?.length === 0) return false;
  let found = false;
  visit(document, {
    Variable: (_variable, _key, _parent, _path, ancestors) => {
      const decides = ancestors.some((ancestor) => {
        if (Array.isArray(ancestor)) return false;
        const node = ancestor as Exclude<typeof ancestor, readonly unknown[]>;
        return (
          node.kind === Kind.DIRECTIVE ||
          (node.kind === Kind.FIELD && FIELDS_WITH_LENGTH.has(node.name.value))
        );
      });
      if (!decides) return undefined;
      found = true;
      return BREAK;
    },
  });
  return found;
}
