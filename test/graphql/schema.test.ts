import { readFileSync } from "node:fs";
import {
  buildClientSchema,
  buildSchema,
  type GraphQLNamedType,
  type GraphQLSchema,
  graphql,
  introspectionFromSchema,
  isEnumType,
  isInputObjectType,
  isObjectType,
} from "graphql";
import { expect, test } from "vitest";
import { gatewaySchema } from "../../src/graphql/schema.ts";

const schema = gatewaySchema();

/** The root types need no description. */
const ROOTS = ["Query", "Mutation"];

test("every type, field, argument and enum value has a description", async () => {
  const { data } = await graphql({ schema, source: "{ _service { sdl } }" });
  const { sdl } = (data?.["_service"] ?? {}) as { readonly sdl: string };
  const printed = buildSchema(sdl, { assumeValidSDL: true });
  const undescribed = ownTypes(printed).flatMap((type) => [
    ...(type.description || ROOTS.includes(type.name) ? [] : [type.name]),
    ...partsOf(type)
      .filter(({ description }) => !description)
      .map(({ name }) => `${type.name}.${name}`),
  ]);
  expect(undescribed).toEqual([]);
});

test("the schema can be introspected by any client", () => {
  expect(() => buildClientSchema(introspectionFromSchema(schema))).not.toThrow();
});

test("the schema executes with the graphql package that this test imports", async () => {
  // The resolver of camErrors needs no services.
  const contextValue = { resolvers: { get: (Resolver: new () => object) => new Resolver() } };
  const result = await graphql({ schema, source: "{ camErrors { code } }", contextValue });
  expect(result.errors).toBeUndefined();
  expect(result.data?.["camErrors"]).toContainEqual({ code: "INTERNAL" });
});

test("exactly one graphql package is installed", () => {
  const lock = JSON.parse(readFileSync(new URL("../../package-lock.json", import.meta.url), "utf8")) as {
    readonly packages: Readonly<Record<string, unknown>>;
  };
  const copies = Object.keys(lock.packages).filter((path) => /(^|\/)node_modules\/graphql$/.test(path));
  expect(copies).toEqual(["node_modules/graphql"]);
});

/** Returns the gateway's own types, without those of federation and of GraphQL itself. */
function ownTypes(printed: GraphQLSchema): readonly GraphQLNamedType[] {
  return Object.values(printed.getTypeMap()).filter(
    (type) => type.astNode && !/^(_|link__|federation__)/.test(type.name),
  );
}

interface Described {
  readonly name: string;
  readonly description?: string | null | undefined;
}

function partsOf(type: GraphQLNamedType): readonly Described[] {
  if (isEnumType(type)) return type.getValues();
  if (isInputObjectType(type)) return Object.values(type.getFields());
  if (!isObjectType(type)) return [];
  return Object.values(type.getFields())
    .filter(({ name }) => !name.startsWith("_"))
    .flatMap((field) => [
      field,
      ...field.args.map(({ name, description }) => ({ name: `${field.name}(${name})`, description })),
    ]);
}
