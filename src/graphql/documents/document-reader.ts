import { type DocumentNode, GraphQLError, type GraphQLSchema, parse, validate } from "graphql";
import { LRUCache } from "lru-cache";
import { MAX_CHARACTERS, MAX_TOKENS } from "./document-limits.ts";
import { documentRules } from "./document-rules.ts";
import { checkDocumentSize } from "./document-size.ts";

/** The syntax tree of a document takes some hundred bytes of memory for each character. */
const MAX_KEPT_CHARACTERS = 200_000;

/** Longer documents are not kept. They take longer to run than to read, and would evict many others. */
const MAX_KEPT_CHARACTERS_OF_ONE = 20_000;

/** A developer corrects the first few mistakes. Finding more only costs the gateway time. */
const MAX_ERRORS = 10;

interface DocumentReaderOptions {
  readonly schema: GraphQLSchema;
  /** Whether callers may read the schema. If not, errors do not suggest its names either. */
  readonly introspection: boolean;
}

/** A document that may run, or the reasons why it may not. */
type Reading = {
  /** Whether the document was parsed now, because the reader had not kept it. */
  readonly isNew: boolean;
} & ({ readonly document: DocumentNode } | { readonly errors: readonly GraphQLError[] });

/**
 * Parses and validates documents. Keeps the most recently used valid ones, enough for about a hundred clients. Refuses
 * a document that exceeds a limit before validation.
 */
export class DocumentReader {
  readonly #schema: GraphQLSchema;
  readonly #introspection: boolean;
  readonly #kept = new LRUCache<string, DocumentNode>({
    maxSize: MAX_KEPT_CHARACTERS,
    sizeCalculation: (_, text) => text.length,
  });

  constructor({ schema, introspection }: DocumentReaderOptions) {
    this.#schema = schema;
    this.#introspection = introspection;
  }

  read(text: string): Reading {
    const kept = this.#kept.get(text);
    if (kept !== undefined) return { document: kept, isNew: false };
    const read = this.#readNew(text);
    if ("document" in read && isKept(read.document)) this.#kept.set(text, read.document);
    return { ...read, isNew: true };
  }

  #readNew(text: string): { readonly document: DocumentNode } | { readonly errors: readonly GraphQLError[] } {
    if (text.length > MAX_CHARACTERS) {
      const message = `A document may have at most ${MAX_CHARACTERS} characters.`;
      return { errors: [withCode(new GraphQLError(message), "GRAPHQL_PARSE_FAILED")] };
    }
    let document: DocumentNode;
    try {
      document = parse(text, { maxTokens: MAX_TOKENS });
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error;
      return { errors: [withCode(error, "GRAPHQL_PARSE_FAILED")] };
    }
    const refused = checkDocumentSize(document);
    if (refused !== undefined) return { errors: [refused] };
    const errors = validate(this.#schema, document, documentRules(text, this.#introspection), {
      maxErrors: MAX_ERRORS,
      hideSuggestions: !this.#introspection,
    });
    if (errors.length === 0) return { document };
    return { errors: errors.map((error) => withCode(error, "GRAPHQL_VALIDATION_FAILED")) };
  }
}

/** Returns whether the reader keeps a document for later requests. */
export function isKept({ loc }: DocumentNode): boolean {
  return loc !== undefined && loc.end <= MAX_KEPT_CHARACTERS_OF_ONE;
}

function withCode(error: GraphQLError, code: string): GraphQLError {
  const { message, source, positions, nodes } = error;
  const extensions = { ...error.extensions, code };
  return new GraphQLError(message, {
    nodes: nodes ?? null,
    source: source ?? null,
    positions: positions ?? null,
    extensions,
  });
}
