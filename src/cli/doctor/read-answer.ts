import type { ProbedField } from "./probe-operation.ts";
import { innerErrorOf, isRecord, type ReceivedError, toReceivedError } from "./received-error.ts";

/** What came back: a reply of GraphQL, or a sentence on why there is none to judge. */
export type Answer =
  | { readonly kind: "reply"; readonly value: unknown; readonly errors: readonly ReceivedError[] }
  | { readonly kind: "none"; readonly why: string };

/** Reads what a router answered to a probe of this field. */
export function readAnswer(status: number, text: string, field: ProbedField): Answer {
  if (status === 401 || status === 403) {
    return none(
      `It answers HTTP ${status}: it wants a login, or another. Say --header 'authorization: Bearer ...'.`,
    );
  }
  const body = parseJson(text);
  if (!isRecord(body) || !("data" in body || Array.isArray(body["errors"]))) {
    return none(`It answers HTTP ${status} with something that is not GraphQL. Is that its GraphQL address?`);
  }
  const data = isRecord(body["data"]) ? body["data"] : {};
  const errors = Array.isArray(body["errors"]) ? body["errors"].map(toReceivedError) : [];
  if (errors.length > 0 && errors.every((error) => isOfValidation(error, field))) {
    return none(
      `The composed schema has no ${field} like the gateway's. Compose it again with schema/subgraph.graphql.`,
    );
  }
  const value = data[field];
  if (errors.length === 0 && value === undefined && body["data"] !== null) {
    return none(`It answers HTTP ${status} without ${field} and without an error.`);
  }
  return { kind: "reply", value, errors };
}

function none(why: string): Answer {
  return { kind: "none", why };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A router refused the operation by its schema: every error of execution has a path, here or inside. */
function isOfValidation(error: ReceivedError, field: ProbedField): boolean {
  if (error.path !== undefined || innerErrorOf(error) !== undefined) return false;
  const { message, extensions } = error;
  return (
    /VALIDATION/i.test(String(extensions["code"])) ||
    (typeof message === "string" && (message.includes(field) || /\bmutations?\b/i.test(message)))
  );
}
