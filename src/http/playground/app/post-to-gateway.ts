import {
  type ExecutionResult,
  GraphQLError,
  type IntrospectionQuery,
  Kind,
  parse,
  specifiedDirectives,
} from "graphql";

export interface NamedOperation {
  readonly query: string;
  readonly operationName?: string | null;
  readonly variables?: unknown;
}

/** The reply to an operation that the visitor ran. */
export interface Reply {
  readonly result: ExecutionResult;
  /** Undefined if the gateway did not answer. */
  readonly status: number | undefined;
  readonly durationMs: number;
}

/**
 * Sends an operation to the page's own URL, which is the GraphQL endpoint. Returns a GraphQL error if the gateway does
 * not answer, or if the reply is not JSON, for example from a proxy.
 */
export async function postToGateway(
  operation: NamedOperation,
  givenHeaders: Record<string, unknown> = {},
): Promise<Reply> {
  const headers = new Headers({
    accept: "application/graphql-response+json, application/json",
    "content-type": "application/json",
  });
  for (const [name, value] of Object.entries(givenHeaders)) headers.set(name, String(value));
  const startedMs = performance.now();
  const replyOf = (result: ExecutionResult, status?: number): Reply => ({
    result,
    status,
    durationMs: Math.round(performance.now() - startedMs),
  });
  try {
    const body = JSON.stringify(withoutStaleName(operation));
    const response = await fetch(location.pathname, { method: "POST", headers, body });
    return replyOf(parseBody(await response.text(), response.status), response.status);
  } catch (error) {
    return replyOf(failure(`The gateway did not answer: ${error instanceof Error ? error.message : error}.`));
  }
}

function parseBody(body: string, status: number): ExecutionResult {
  try {
    return JSON.parse(body);
  } catch {
    return failure(`The gateway answered HTTP ${status} without JSON: ${body.slice(0, 500)}`);
  }
}

function failure(message: string): ExecutionResult {
  return { errors: [new GraphQLError(message)] };
}

/**
 * Removes an operation name that the document does not have. GraphiQL updates the name shortly after the visitor
 * chooses a tab, so an operation that runs sooner has the name of the previous tab. Without a name, the gateway runs
 * the only operation.
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
    // The gateway reports the syntax error.
    return [];
  }
}

/**
 * Returns an introspection result without the additions of Apollo Federation for a router: `_service`, `_entities`,
 * their types, and directives that no operation can use. The documentation and the editor then show only the gateway's
 * API.
 */
export function withoutFederation({ __schema: schema }: IntrospectionQuery): IntrospectionQuery {
  const isOurs = ({ name }: { readonly name: string }) => !/^(_[a-z]|link__|federation__)/i.test(name);
  return {
    __schema: {
      ...schema,
      types: schema.types
        .filter(isOurs)
        .map((type) => (type.kind === "OBJECT" ? { ...type, fields: type.fields.filter(isOurs) } : type)),
      directives: schema.directives.filter(({ name }) =>
        specifiedDirectives.some((each) => each.name === name),
      ),
    },
  };
}
