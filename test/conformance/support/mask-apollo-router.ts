import { type Mask, only } from "./wire-error.ts";

interface AllowList {
  readonly redact_message?: boolean;
  readonly allow_extensions_keys?: readonly string[];
}

export interface ApolloRouterConfig {
  readonly include_subgraph_errors?: {
    readonly all?: boolean | AllowList;
    readonly subgraphs?: Readonly<Record<string, boolean | AllowList>>;
  };
}

const REDACTED = "Subgraph errors redacted";

/**
 * Applies the rules of apollo-router/src/plugins/include_subgraph_errors/{mod,config,effective_config}.rs of
 * apollographql/router: false redacts all, true adds `service`, a subgraph's list extends that of `all`.
 */
export function maskAsApolloRouter({ include_subgraph_errors = {} }: ApolloRouterConfig): Mask {
  const { all = false, subgraphs = {} } = include_subgraph_errors;
  if (typeof all === "boolean" && Object.values(subgraphs).some((mode) => typeof mode !== "boolean")) {
    throw new Error("Apollo Router does not start: with a boolean `all`, subgraphs must be boolean.");
  }
  return (errors, subgraph) => {
    const mode = subgraphs[subgraph] ?? all;
    if (mode === false) return errors.map(({ extensions: _, ...error }) => ({ ...error, message: REDACTED }));
    const lists = [all, mode].filter((each) => typeof each === "object");
    const keys = lists.flatMap((list) => list.allow_extensions_keys ?? []);
    const isRedacted = lists.findLast((list) => list.redact_message !== undefined)?.redact_message === true;
    return errors.map((error) => {
      const extensions = { ...error.extensions, service: subgraph };
      const message = isRedacted ? REDACTED : error.message;
      return { ...error, message, extensions: mode === true ? extensions : (only(keys, extensions) ?? {}) };
    });
  };
}
