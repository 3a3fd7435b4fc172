import {
  type DocumentNode,
  type GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  Kind,
  type OperationTypeNode,
} from "graphql";
import { DocumentReader } from "./documents/document-reader.ts";
import type { CamCallLimit } from "./limits/cam-call-limit.ts";
import { CostLimit } from "./limits/cost-limit.ts";

export interface AskedOperation {
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
  admit({ query, operationName, variables = {} }: AskedOperation, limit: CamCallLimit): AdmittedOperation {
    const reading = this.#reader.read(query);
    const readEffort = reading.isNew ? query.length / CHARACTERS_PER_MS : 0;
    if ("errors" in reading)
      return {
        type: undefined,
        document: undefined,
        errors: reading.errors,
        effort: readEffort,
        isService: false,
      };
    const { document } = reading;
    const operation = getOperationAST(document, operationName);
    // GraphQL reports the missing operation when it executes the document.
    if (!operation) return { type: undefined, document, errors: [], effort: readEffort, isService: false };
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
