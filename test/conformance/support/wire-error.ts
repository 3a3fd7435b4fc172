/** An error of a GraphQL reply in JSON. */
export interface WireError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions?: Readonly<Record<string, unknown>>;
}

/** Applies a router's rules to the errors of one request to a subgraph. */
export type Mask = (errors: readonly WireError[], subgraph: string) => readonly WireError[];

/** Returns the extensions of these keys only. */
export function only(
  keys: readonly string[],
  extensions: WireError["extensions"] = {},
): WireError["extensions"] {
  return Object.fromEntries(Object.entries(extensions).filter(([key]) => keys.includes(key)));
}
