import { type CamErrorExtensions, describeCamError } from "../contract/index.ts";
import { failureExtensions } from "./failure-extensions.ts";
import { isRecord } from "./is-record.ts";
import { readExtensions } from "./read-extensions.ts";

/** A business error that was found inside of something else. */
export interface CarriedError {
  readonly message: string;
  readonly extensions: CamErrorExtensions;
}

/** Result, error of a library, entry, entry inside an entry: nothing known nests deeper, and circles end here. */
const MAX_DEPTH = 5;

/** The business errors in a result or an error of any GraphQL client, in order, thrown ones before data. */
export function* carriedErrors(value: unknown, depth = 0): Generator<CarriedError> {
  if (!isRecord(value) || depth > MAX_DEPTH) return;
  const extensions = readExtensions(value["extensions"]) ?? failureExtensions(value);
  if (extensions !== undefined) {
    const { message } = value;
    yield {
      extensions,
      message: typeof message === "string" ? message : describeCamError(extensions.code).message,
    };
  }
  for (const inner of innerErrors(value)) yield* carriedErrors(inner, depth + 1);
  // Where trySetSubUserMfa, under whatever alias, has a CamFailure.
  if (isRecord(value["data"])) {
    for (const field of Object.values(value["data"])) yield* carriedErrors(field, depth + 1);
  }
}

/** Where the libraries keep errors. */
function innerErrors(value: Readonly<Record<string, unknown>>): readonly unknown[] {
  const { errors, graphQLErrors, response, error, extensions } = value;
  return [
    ...listOf(errors), // a result; Apollo Client's CombinedGraphQLErrors
    ...listOf(graphQLErrors), // urql's CombinedError
    ...(isRecord(response) ? listOf(response["errors"]) : []), // graphql-request's ClientError
    error, // a result of Apollo Client or urql
    ...(isRecord(extensions) ? listOf(extensions["errors"]) : []), // an entry that Cosmo Router wrapped
  ];
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
