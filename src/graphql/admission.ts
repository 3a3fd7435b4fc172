import { type DocumentNode, type GraphQLError, type GraphQLSchema, getOperationAST, Kind } from "graphql";
import { DocumentReader } from "./documents/document-reader.ts";
import type { CamCallLimit } from "./limits/cam-call-limit.ts";
import { CostLimit } from "./limits/cost-limit.ts";

export interface AskedOperation {
  readonly query: string;
  readonly operationName: string | undefined;
  readonly variables: Readonly<Record<string, unknown>> | undefined;
}

/** An operation that was looked at before it is run. */
export interface AdmittedOperation {
  /** Undefined for a document that is not run. */
  readonly document: DocumentNode | undefined;
  /** Why the operation is not run; empty where it may be. */
  readonly errors: readonly GraphQLError[];
  /** What it takes of this process, in milliseconds as an order of magnitude. */
  readonly effort: number;
  /** Whether it asks for nothing but the schema as a router composes it. */
  readonly isService: boolean;
}

/** The slowest documents within all limits take about a millisecond for so many characters. */
const CHARACTERS_PER_MS = 1_000;

/** 20,000 fields take a fifth of a second. */
const FIELDS_PER_MS = 100;

/** Reads documents, measures operations, and decides which may be run. */
export class Admission {
  readonly #schema: GraphQLSchema;
  readonly #reader: DocumentReader;
  readonly #costLimit = new CostLimit();

  /** @param options.introspection Whether the schema can be asked for. */
  constructor(options: { readonly schema: GraphQLSchema; readonly introspection: boolean }) {
    this.#schema = options.schema;
    this.#reader = new DocumentReader(options);
  }

  /** @param limit What the caller may ask of CAM in one operation. */
  admit({ query, operationName, variables = {} }: AskedOperation, limit: CamCallLimit): AdmittedOperation {
    const reading = this.#reader.read(query);
    const readEffort = reading.isNew ? query.length / CHARACTERS_PER_MS : 0;
    if ("errors" in reading)
      return { document: undefined, errors: reading.errors, effort: readEffort, isService: false };
    const { document } = reading;
    const operation = getOperationAST(document, operationName);
    // GraphQL says which operations there are.
    if (!operation) return { document, errors: [], effort: readEffort, isService: false };
    const { fields, refusal } = this.#costLimit.measure(
      this.#schema,
      { document, operation, variables },
      limit,
    );
    return {
      document,
      errors: refusal === undefined ? [] : [refusal],
      effort: readEffort + (refusal === undefined ? fields / FIELDS_PER_MS : 0),
      isService: operation.selectionSet.selections.every(
        (selection) => selection.kind === Kind.FIELD && selection.name.value === "_service",
      ),
    };
  }
}
