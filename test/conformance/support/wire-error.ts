/** An error of a GraphQL reply, as JSON has it. */
export interface WireError {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions?: Readonly<Record<string, unknown>>;
}

/** What a router makes of the errors that one request to a subgraph of this name brought. */
export type Mask = (errors: readonly WireError[], subgraph: string) => readonly WireError[];

/** The extensions of these keys alone. */
export function only(
  keys: readonly string[],
  extensions: WireError["extensions"] = {},
): WireError["extensions"] {
  return Object.fromEntries(Object.entries(extensions).filter(([key]) => keys.includes(key)));
}
