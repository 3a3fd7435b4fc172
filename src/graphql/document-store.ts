import type { DocumentNode } from "graphql";
import { LRUCache } from "lru-cache";

/** What GraphQL makes of a document takes some hundred bytes for each of its characters. */
const MAX_CHARACTERS = 200_000;

/** Longer ones take longer to carry out than to read, and would drive out many. */
const MAX_CHARACTERS_OF_ONE = 20_000;

/** Documents that were found valid, so that they need not be parsed and validated again. */
export interface DocumentStore {
  get(key: string): Promise<DocumentNode | undefined>;
  set(key: string, document: DocumentNode): Promise<void>;
  delete(key: string): Promise<boolean>;
}

/**
 * Keeps the documents that were asked for last: those of some hundred clients. Apollo Server's own store would let
 * whoever sends large ones have 200 MB of the process for them.
 */
export function createDocumentStore(): DocumentStore {
  const documents = new LRUCache<string, DocumentNode>({
    maxSize: MAX_CHARACTERS,
    maxEntrySize: MAX_CHARACTERS_OF_ONE,
    sizeCalculation: ({ loc }) => Math.max(1, loc?.source.body.length ?? MAX_CHARACTERS),
  });
  return {
    get: async (key) => documents.get(key),
    set: async (key, document) => void documents.set(key, document),
    delete: async (key) => documents.delete(key),
  };
}
