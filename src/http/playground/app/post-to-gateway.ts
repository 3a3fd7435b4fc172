import { type ExecutionResult, GraphQLError, Kind, parse } from "graphql";

type Options = { headers?: Record<string, unknown> | undefined };

/**
 * Sends an operation to the page's own address, which is the GraphQL endpoint. What is not a GraphQL answer (the
 * process is gone, a proxy answered) is shown in the same shape as one, in words.
 */
export async function postToGateway(
  operation: NamedOperation,
  options: Options = {},
): Promise<ExecutionResult> {
  const headers = new Headers({
    accept: "application/graphql-response+json, application/json",
    "content-type": "application/json",
  });
  for (const [name, value] of Object.entries(options.headers ?? {})) {
    headers.set(name, String(value));
  }
  try {
    const body = JSON.stringify(withoutStaleName(operation));
    return await parseResponse(await fetch(location.pathname, { method: "POST", headers, body }));
  } catch (error) {
    return failure(`The gateway did not answer: ${error instanceof Error ? error.message : error}.`);
  }
}

async function parseResponse(response: Response): Promise<ExecutionResult> {
  const body = await response.text();
  try {
    return JSON.parse(body);
  } catch {
    return failure(`The gateway answered HTTP ${response.status} without JSON: ${body.slice(0, 500)}`);
  }
}

function failure(message: string): ExecutionResult {
  return { errors: [new GraphQLError(message)] };
}

interface NamedOperation {
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
