import { type Mask, only } from "./wire-error.ts";

interface Masking {
  readonly enabled?: boolean;
  readonly extensions?: { readonly mode: "allow"; readonly keys: readonly string[] };
}

export interface HiveRouterConfig {
  readonly error_masking?: {
    readonly enabled?: boolean;
    readonly redacted_error_message?: string;
    readonly all?: Masking;
    readonly subgraphs?: Readonly<Record<string, Masking>>;
  };
}

/**
 * Applies the rules of bin/router/src/executor/execution/error_masking.rs of graphql-hive/router, after
 * add_subgraph_name of bin/router/src/executor/response/graphql_error.rs: a subgraph's list replaces the list of `all`.
 */
export function maskAsHiveRouter({ error_masking = {} }: HiveRouterConfig): Mask {
  const {
    enabled = true,
    redacted_error_message = "Unexpected error",
    all = {},
    subgraphs = {},
  } = error_masking;
  return (errors, subgraph) => {
    const own = subgraphs[subgraph];
    const isMasked = enabled && (own?.enabled ?? all.enabled ?? true);
    const list = enabled ? (own?.extensions ?? all.extensions) : undefined;
    return errors.map((error) => {
      const extensions = { code: "DOWNSTREAM_SERVICE_ERROR", ...error.extensions, service: subgraph };
      return {
        ...error,
        message: isMasked ? redacted_error_message : error.message,
        extensions: list === undefined ? extensions : (only(list.keys, extensions) ?? {}),
      };
    });
  };
}
