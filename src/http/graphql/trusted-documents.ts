import { z } from "zod";
import { readUtf8File, TextEncodingError, whyUnreadable } from "../../utf8.ts";
import type { RequestProblem } from "../http-errors.ts";
import type { GraphQLOverHttpRequest } from "./graphql-request.ts";

/** enforce: no other operation is run. audit: any other is run, and reported. */
export type TrustedDocumentsMode = "audit" | "enforce";

export interface TrustedDocumentsOptions {
  readonly mode: TrustedDocumentsMode;
  readonly manifestFile: string;
  /** An operation that is not in the manifest. */
  readonly onUntrusted: (operation: { readonly operationName: string | undefined }) => void;
}

/** Apollo's and Relay's tools write these; https://www.apollographql.com/docs/graphos/platform/security/persisted-queries */
const manifestSchema = z.union([
  z
    .object({ operations: z.array(z.object({ id: z.string().min(1), body: z.string().min(1) })) })
    .transform(({ operations }) => new Map(operations.map(({ id, body }) => [id, body]))),
  z.record(z.string().min(1), z.string().min(1)).transform((bodies) => new Map(Object.entries(bodies))),
]);

export class TrustedDocumentsError extends Error {
  override readonly name = "TrustedDocumentsError";
}

/** Operations that were known when the clients were built. */
export class TrustedDocuments {
  readonly #mode: TrustedDocumentsMode;
  readonly #onUntrusted: TrustedDocumentsOptions["onUntrusted"];
  readonly #bodies: ReadonlyMap<string, string>;
  readonly #known: ReadonlySet<string>;

  private constructor(options: TrustedDocumentsOptions, bodies: ReadonlyMap<string, string>) {
    this.#mode = options.mode;
    this.#onUntrusted = options.onUntrusted;
    this.#bodies = bodies;
    this.#known = new Set(bodies.values());
  }

  /** @throws TrustedDocumentsError where the manifest cannot be used. */
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

  /** The request with the document that it names, or why it is not run. */
  resolve(request: GraphQLOverHttpRequest): GraphQLOverHttpRequest | RequestProblem {
    const { documentId, query, operationName } = request;
    const named = documentId === undefined ? undefined : this.#bodies.get(documentId.replace(/^sha256:/, ""));
    if (documentId !== undefined && named === undefined && query === undefined) {
      return { problem: "There is no trusted document with this id." };
    }
    if (query === undefined) return { ...request, query: named };
    if (this.#known.has(query)) return request;
    this.#onUntrusted({ operationName });
    if (this.#mode === "audit") return request;
    return { problem: "Only trusted documents are run here. Send the documentId of one." };
  }
}
