export type RouterId = "apollo-router" | "apollo-gateway" | "hive-gateway" | "hive-router" | "cosmo";

/**
 * What becomes of a part of an error: `nested` is for what is still there, inside another error, and `renamed` for
 * what is there under another key.
 */
export type Fate = "kept" | "replaced" | "renamed" | "nested" | "lost";

/** What a federated router does to the errors of the gateway, and how to make it let them through. */
export interface RouterGuide {
  readonly id: RouterId;
  readonly title: string;
  /** What becomes of a thrown error unless the router is told otherwise. */
  readonly fates: {
    readonly message: Fate;
    readonly code: Fate;
    /** All keys of `extensions` but `code`. */
    readonly otherKeys: Fate;
    readonly path: Fate;
  };
  /** The same in words, and what else happens: a sentence each. */
  readonly byDefault: readonly string[];
  readonly configuration: RouterConfiguration;
  /** What the configuration cannot do, or needs beside it: a sentence each. */
  readonly remarks: readonly string[];
  /** Whether and when the router sends a mutation twice: a sentence each. */
  readonly retries: readonly string[];
  /** Where the router's authors say so. */
  readonly sources: readonly string[];
}

export interface RouterConfiguration {
  /** The name under which docs/consumers/routers/ has it. */
  readonly file: string;
  readonly language: "yaml" | "ts";
  /** The whole text, for a subgraph of this name in the composed graph. */
  render(subgraph: string): string;
}
