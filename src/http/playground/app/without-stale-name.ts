import { Kind, parse } from "graphql";

export interface NamedOperation {
  readonly query: string;
  readonly operationName?: string | null;
  readonly variables?: unknown;
}

/**
 * GraphiQL works out the names of a tab's operations a moment after the tab is chosen. Whoever runs it sooner asks for an
 * operation of the tab before, which the document at hand does not have. Without a name, the only one of it is run.
 */
export function withoutStaleName(operation: NamedOperation): NamedOperation {
  const { operationName, ...unnamed } = operation;
  if (!operationName) return unnamed;
  return namesIn(operation.query).includes(operationName) ? operation : unnamed;
}

function namesIn(query: string): (string | undefined)[] {
  try {
    const operations = parse(query).definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
    return operations.map((definition) => ("name" in definition ? definition.name?.value : undefined));
  } catch {
    // The gateway says what is wrong with it.
    return [];
  }
}
