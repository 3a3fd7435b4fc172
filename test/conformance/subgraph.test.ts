/**
 * The checks of Apollo's compatibility suite for subgraphs
 * (github.com/apollographql/apollo-federation-subgraph-compatibility, packages/compatibility/src/tests), applied to
 * this subgraph's schema. The checks behind a router are in routers.test.ts. Left out, because the schema does not use
 * them: several keys of one type, composite keys,
 * @shareable, @external, @requires, @provides, @override, @inaccessible, @interfaceObject and @composeDirective.
 */
import { readFileSync } from "node:fs";
import { Trace } from "@apollo/usage-reporting-protobuf";
import { Kind, parse, print, stripIgnoredCharacters } from "graphql";
import { describe, expect, test } from "vitest";
import { ALICE, BOB, NOBODY } from "../support/seed-users.ts";
import { readReply, startGateway } from "../support/start-gateway.ts";

const { send, http } = await startGateway({ env: { PLAYGROUND: "on" } });

async function ask<Data>(query: string, variables?: Record<string, unknown>): Promise<Data> {
  const { data, errors } = await send(query, variables);
  expect(errors).toEqual([]);
  return data as Data;
}

const { _service } = await ask<{ _service: { sdl: string } }>("{ _service { sdl } }");

describe("introspection", () => {
  test("_service.sdl is the published schema with the federation definitions that it uses", () => {
    const published = definitionsIn(readFileSync("schema/subgraph.graphql", "utf8"));
    const served = definitionsIn(_service.sdl);
    expect([...served].filter((definition) => published.has(definition))).toEqual([...published]);
    const more = [...served].filter((definition) => !published.has(definition));
    const isOfTheFederation = /^(directive @|(scalar|enum) (link__|federation__)|extend type Query$)/;
    expect(more.filter((definition) => !isOfTheFederation.test(definition))).toEqual([]);
  });

  test("_Service has the SDL as a non-null string", async () => {
    const query = `{ __type(name: "_Service") { kind fields { name type { kind ofType { name kind } } } } }`;
    expect(await ask(query)).toEqual({
      __type: {
        kind: "OBJECT",
        fields: [{ name: "sdl", type: { kind: "NON_NULL", ofType: { name: "String", kind: "SCALAR" } } }],
      },
    });
  });

  test("_Entity is the union of all types with a key", async () => {
    expect(await ask(`{ __type(name: "_Entity") { kind possibleTypes { name } } }`)).toEqual({
      __type: { kind: "UNION", possibleTypes: [{ name: "SubUser" }] },
    });
  });

  test.each([
    ["_Any", "SCALAR"],
    ["federation__FieldSet", "SCALAR"],
    ["federation__Scope", "SCALAR"],
    ["link__Purpose", "ENUM"],
    ["link__Import", "SCALAR"],
  ])("%s is a type of kind %s", async (name, kind) => {
    expect(await ask(`{ __type(name: "${name}") { kind } }`)).toEqual({ __type: { kind } });
  });

  test("Query has _entities and _service as in the specification", async () => {
    const query = `{ __type(name: "Query") { fields { name args { name } type { kind ofType { name kind } } } } }`;
    const { __type } = await ask<{ __type: { fields: unknown[] } }>(query);
    expect(__type.fields).toContainEqual({
      name: "_service",
      args: [],
      type: { kind: "NON_NULL", ofType: { name: "_Service", kind: "OBJECT" } },
    });
    expect(__type.fields).toContainEqual({
      name: "_entities",
      args: [{ name: "representations" }],
      type: { kind: "NON_NULL", ofType: { name: null, kind: "LIST" } },
    });
  });
});

describe("@link", () => {
  test("names one version of the federation, 2.9, and imports only what that version has", () => {
    const links = [...stripIgnoredCharacters(_service.sdl).matchAll(/@link\(url:"([^"]+)"([^)]*)\)/g)];
    expect(links.map(([, url]) => url)).toEqual(["https://specs.apollo.dev/federation/v2.9"]);
    const imported = [...(links[0]?.[2] ?? "").matchAll(/"(@\w+)"/g)].map(([, name]) => name);
    expect(imported.toSorted()).toEqual([
      "@authenticated",
      "@cost",
      "@key",
      "@listSize",
      "@requiresScopes",
      "@shareable",
      "@tag",
    ]);
  });

  test.each(["key", "tag", "cost", "listSize", "authenticated", "requiresScopes", "shareable"])(
    "@%s is used under its short name",
    (name) => {
      const sdl = stripIgnoredCharacters(_service.sdl);
      expect(sdl).toMatch(new RegExp(`@${name}\\b`));
      expect(sdl).not.toContain(`@federation__${name}`);
    },
  );

  test("@tag has its name", () => {
    expect(stripIgnoredCharacters(_service.sdl)).toContain(`@tag(name:"internal")`);
  });
});

describe("@key of one field", () => {
  const ENTITIES = `query ($of: [_Any!]!) {
    _entities(representations: $of) { __typename ... on SubUser { opUin name } }
  }`;
  const sub = (opUin: string) => ({ __typename: "SubUser", opUin });

  test("resolves entities in the order of the representations, with repetitions and nulls", async () => {
    const alice = { __typename: "SubUser", opUin: ALICE, name: "alice" };
    const of = [sub(ALICE), sub(NOBODY), sub(BOB), sub(ALICE)];
    expect(await ask(ENTITIES, { of })).toEqual({
      _entities: [alice, null, { __typename: "SubUser", opUin: BOB, name: "bob" }, alice],
    });
  });

  test("an empty list of representations is an empty list of entities", async () => {
    expect(await ask(ENTITIES, { of: [] })).toEqual({ _entities: [] });
  });

  test("a representation may carry more than the key", async () => {
    const of = [{ ...sub(ALICE), employee: { id: "1001" } }];
    expect(await ask(ENTITIES, { of })).toMatchObject({ _entities: [{ name: "alice" }] });
  });
});

describe("a federated trace", () => {
  const QUERY = `{ subUser(opUin: "${ALICE}") { name } }`;

  async function traceOf(query: string, headers: Record<string, string>) {
    const { text } = readReply(await http.post("/graphql").set(headers).send({ query }));
    const { extensions } = JSON.parse(text) as { extensions?: { ftv1?: string } };
    return extensions?.ftv1 === undefined ? undefined : Trace.decode(Buffer.from(extensions.ftv1, "base64"));
  }

  test("is returned to a router that requests it, with the time of each field", async () => {
    const trace = await traceOf(QUERY, { "apollo-federation-include-trace": "ftv1" });
    expect(trace?.root).toMatchObject({
      child: [
        { responseName: "subUser", type: "SubUser", child: [{ responseName: "name", type: "String" }] },
      ],
    });
    expect(Number(trace?.durationNs)).toBeGreaterThan(0);
  });

  test("is absent without a request for it", async () => {
    expect(await traceOf(QUERY, {})).toBeUndefined();
  });

  test("contains the position of an error and not its message", async () => {
    const query = `mutation { setSubUserMfa(opUin: "${BOB}", login: { phone: true }) { requestId } }`;
    const trace = await traceOf(query, { "apollo-federation-include-trace": "ftv1" });
    expect(trace?.root?.child?.[0]).toMatchObject({ responseName: "setSubUserMfa" });
    expect(trace?.root?.child?.[0]?.error).toHaveLength(1);
    expect(JSON.stringify(trace)).not.toMatch(/phone/i);
  });
});

/** Returns the normalised definitions of a document, without the federation's fields of Query. */
function definitionsIn(sdl: string): ReadonlySet<string> {
  const isOurs = ({ name }: { readonly name: { readonly value: string } }) => !name.value.startsWith("_");
  return new Set(
    parse(sdl, { noLocation: true })
      .definitions.filter(({ kind }) => kind !== Kind.SCHEMA_DEFINITION && kind !== Kind.SCHEMA_EXTENSION)
      .filter((definition) => !("name" in definition) || isOurs(definition as never))
      .map((definition) =>
        definition.kind === Kind.OBJECT_TYPE_DEFINITION || definition.kind === Kind.OBJECT_TYPE_EXTENSION
          ? { ...definition, fields: definition.fields?.filter(isOurs) }
          : definition,
      )
      .map((definition) => print(definition as never)),
  );
}
