import {
  buildSchema,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isListType,
  isObjectType,
  isUnionType,
} from "graphql";
import type { Scope } from "../../../src/auth/caller.ts";

/** The path from one root field to one field. */
export interface Way {
  /** For example `Query.subUser … SubUserMfa.login`. */
  readonly name: string;
  /** The selection of the field, and the object that has the field. */
  readonly selection: string;
  readonly place: Place;
  /** The fields from the root on, each with its path in an answer and the scopes that its directives require. */
  readonly steps: readonly Step[];
}

export interface Step {
  readonly field: string;
  readonly path: readonly (string | number)[];
  /** One of these scopes is enough. Empty if the field is open to every caller. */
  readonly scopes: readonly Scope[];
}

/** The arguments of the root fields. A root field without an entry gets no arguments. */
export type RootArguments = Readonly<Record<string, string>>;

/** Returns the shortest way from every root field to every field below it. */
export function waysOf(sdl: string, rootArguments: RootArguments): readonly Way[] {
  const schema = buildSchema(sdl, { assumeValidSDL: true });
  return [schema.getQueryType(), schema.getMutationType()].flatMap((root) =>
    root ? Object.keys(root.getFields()).flatMap((name) => waysFrom(schema, root, name, rootArguments)) : [],
  );
}

/** An object that a root field leads to. */
interface Place {
  readonly type: GraphQLObjectType;
  readonly steps: readonly Step[];
  /** The position of the object in a list, if the last step is one. */
  readonly index: readonly 0[];
  /** Puts a selection of the type's fields into a selection of the root's. */
  readonly wrap: (selection: string) => string;
}

function waysFrom(
  schema: GraphQLSchema,
  root: GraphQLObjectType,
  name: string,
  rootArguments: RootArguments,
): readonly Way[] {
  const start: Place = { type: root, steps: [], index: [], wrap: (selection) => selection };
  const ways: Way[] = [];
  const seen = new Set<string>();
  let places: readonly Place[] = [start];
  while (places.length > 0) {
    const next: Place[] = [];
    for (const place of places) {
      const names = place === start ? [name] : Object.keys(place.type.getFields());
      for (const field of names) {
        const step = stepTo(place, field);
        const call = `${field}${place === start ? (rootArguments[field] ?? "") : ""}`;
        ways.push({
          name: `${root.name}.${name} … ${step.field}`,
          ...{ place, selection: `${call}${selectionOf(place.type, field)}` },
          steps: [...place.steps, step],
        });
        const fieldType = place.type.getFields()[field]?.type;
        const index = fieldType && isListType(getNullableType(fieldType)) ? [0 as const] : [];
        for (const type of objectsIn(schema, fieldType)) {
          if (seen.has(type.name)) continue;
          seen.add(type.name);
          const wrap = (selection: string) =>
            place.wrap(`${call} { ${ALWAYS} ... on ${type.name} { ${selection} } }`);
          next.push({ type, steps: [...place.steps, step], index, wrap });
        }
      }
    }
    places = next;
  }
  return ways;
}

/** Returns one operation with all these ways, which have one root field. */
export function operationOf(ways: readonly Way[]): string {
  const places = Map.groupBy(ways, ({ place }) => place);
  const selections = [...places].map(([place, inPlace]) =>
    place.wrap(inPlace.map(({ selection }) => selection).join(" ")),
  );
  const [root] = ways[0]?.steps ?? [];
  return `${root?.field.startsWith("Mutation.") ? "mutation" : "query"} { ${selections.join(" ")} }`;
}

/** Shows the outcome of a field that returns its failures as data. It is harmless elsewhere. */
const ALWAYS = "__typename";

function stepTo({ type, steps, index }: Place, name: string): Step {
  const field = type.getFields()[name];
  const before = steps.at(-1)?.path ?? [];
  const directives = field?.astNode?.directives ?? [];
  const scopes = directives.find((directive) => directive.name.value === "requiresScopes")?.arguments?.[0];
  const text = scopes?.value.loc?.source.body.slice(scopes.value.loc.start, scopes.value.loc.end);
  const names = [...(text ?? "").matchAll(/"([^"]+)"/g)].map(([, scope]) => scope as Scope);
  return { field: `${type.name}.${name}`, path: [...before, ...index, name], scopes: names };
}

function selectionOf(type: GraphQLObjectType, field: string): string {
  const named = type.getFields()[field]?.type;
  return named && (isObjectType(getNamedType(named)) || isUnionType(getNamedType(named)))
    ? ` { ${ALWAYS} }`
    : "";
}

function objectsIn(schema: GraphQLSchema, type: GraphQLOutputType | undefined): readonly GraphQLObjectType[] {
  const named = type && getNamedType(type);
  if (isObjectType(named)) return [named];
  return isUnionType(named) ? [...schema.getPossibleTypes(named)] : [];
}
