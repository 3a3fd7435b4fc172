import { z } from "zod";
import { readUtf8File, TextEncodingError, whyUnreadable } from "../../utf8.ts";
import { HttpError } from "../http-errors.ts";
import type { GraphQLOverHttpRequest } from "./graphql-request.ts";

interface TrustedDocumentsOptions {
  /** `enforce` rejects operations outside the manifest. `audit` runs and reports them. */
  readonly mode: "audit" | "enforce";
  readonly manifestFile: string;
  /** The operations of the gateway's own pages, which are trusted too. */
  readonly own: readonly string[];
  /** Receives an operation that is not in the manifest. */
  readonly onUntrusted: (operation: { readonly operationName: string | undefined }) => void;
}

/**
 * The manifest formats of Apollo's and Relay's tools:
 * https://www.apollographql.com/docs/graphos/platform/security/persisted-queries
 */
const manifestSchema = z.union([
  z
    .object({ operations: z.array(z.object({ id: z.string().min(1), body: z.string().min(1) })) })
    .transform(({ operations }) => new Map(operations.map(({ id, body }) => [id, body]))),
  z.record(z.string().min(1), z.string().min(1)).transform((bodies) => new Map(Object.entries(bodies))),
]);

export class TrustedDocumentsError extends Error {
  override readonly name = "TrustedDocumentsError";
}

/** The operations of a manifest, which the build of the clients writes. */
export class TrustedDocuments {
  readonly #options: TrustedDocumentsOptions;
  readonly #bodies: ReadonlyMap<string, string>;
  readonly #known: ReadonlySet<string>;

  private constructor(options: TrustedDocumentsOptions, bodies: ReadonlyMap<string, string>) {
    this.#options = options;
    this.#bodies = bodies;
    this.#known = new Set([...bodies.values(), ...options.own]);
  }

  /** Reads the manifest. @throws TrustedDocumentsError if the manifest is unreadable or has another format. */
  static async load(options: TrustedDocumentsOptions): Promise<TrustedDocuments> {
    const { manifestFile } = options;
    try {
      const manifest = manifestSchema.parse(JSON.parse(await readUtf8File(manifestFile)));
      return new TrustedDocuments(options, manifest);
    } catch (cause) {
      const isUnread = cause instanceof TextEncodingError || "code" in (cause as Error);
      const reason = isUnread
        ? whyUnreadable(cause)
        : 'is neither {"operations": [{"id", "body"}, …]} nor {"<id>": "<body>", …}';
      throw new TrustedDocumentsError(`TRUSTED_DOCUMENTS_FILE ${manifestFile} ${reason}.`, { cause });
    }
  }

  /** Returns whether the manifest has a document. */
  isTrusted(query: string): boolean {
    return this.#known.has(query);
  }

  /**
   * Returns the request with the document of its id. @throws HttpError if the id is unknown or the mode forbids the
   * query.
   */
  resolve(request: GraphQLOverHttpRequest): GraphQLOverHttpRequest {
    const { documentId, query, operationName } = request;
    const named = documentId === undefined ? undefined : this.#bodies.get(documentId.replace(/^sha256:/, ""));
    if (query === undefined) {
      if (documentId !== undefined && named === undefined) {
        throw new HttpError("BAD_REQUEST", "No trusted document has this id.");
      }
      return { ...request, query: named };
    }
    if (this.isTrusted(query)) return request;
    this.#options.onUntrusted({ operationName });
    if (this.#options.mode === "audit") return request;
    throw new HttpError(
      "BAD_REQUEST",
      "The gateway runs only trusted documents. Send the documentId of one.",
    );
  }
}
