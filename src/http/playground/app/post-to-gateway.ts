import { type ExecutionResult, GraphQLError } from "graphql";
import { type NamedOperation, withoutStaleName } from "./without-stale-name.ts";

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
