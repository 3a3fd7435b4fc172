import type { GraphQLError } from "graphql";
import { CAM_ERROR_CATALOGUE } from "../../contract/index.ts";
import { limitRefusal } from "../documents/limit-refusal.ts";
import { type SelectedField, type SelectedFields, sumUp } from "./selected-fields.ts";

/** Two thousand users with all of their profiles, which keep the process busy for a fifth of a second. */
export const MAX_FIELDS = 20_000;

/** How long a list is of which the arguments do not say it. */
const SOME = 20;

/** By the field that has the list, or the arguments that say how long it gets. */
export const LENGTHS: Readonly<Record<string, (argument: SelectedField["argument"]) => number>> = {
  "Query.subUsers": (argument) => lengthOf(argument("opUins")),
  "Query._entities": (argument) => lengthOf(argument("representations")),
  "Query.camErrors": () => CAM_ERROR_CATALOGUE.length,
  "Query.camQuota": () => SOME,
  "Query.mfaChanges": (argument) => {
    const first = argument("first");
    return typeof first === "number" ? Math.max(1, first) : SOME;
  },
};

/** What takes as long to fetch, or is as long, as so many fields: a read of the record, and the schema as a text. */
const WEIGHTS: Readonly<Record<string, number>> = {
  "Query.mfaChange": 100,
  "Query.mfaChanges": 100,
  "_Service.sdl": 200,
};

/** Fields that the answer could have. */
export function countFields(fields: SelectedFields): number {
  return sumUp(fields, estimateFields);
}

/**
 * Refuses an operation whose answer could become so large that making it would keep everybody else waiting. CAM need not
 * have any part in it: the error catalogue can be asked for a thousand times, under as many aliases.
 */
export function exceedsAnswerSize(fields: number): GraphQLError | undefined {
  if (fields <= MAX_FIELDS) return undefined;
  return limitRefusal(
    `The answer could have ${fields} fields. Ask for at most ${MAX_FIELDS} at a time, counting those of a list for each ` +
      "of its items.",
  );
}

/** How deep an introspection may go is limited by GraphQL's own rules, and how often here. */
const INTROSPECTION: Readonly<Record<string, number>> = { __schema: 2_000, __type: 100 };

function estimateFields({ name, field, argument }: SelectedField, inner: number): number {
  const introspection = INTROSPECTION[field.name];
  if (introspection !== undefined) return introspection;
  return (WEIGHTS[name] ?? 0) + (LENGTHS[name]?.(argument) ?? 1) * (1 + inner);
}

function lengthOf(list: unknown): number {
  return Array.isArray(list) ? list.length : 0;
}
