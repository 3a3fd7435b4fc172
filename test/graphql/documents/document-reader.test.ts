import { globSync, readFileSync } from "node:fs";
import { getIntrospectionQuery } from "graphql";
import { describe, expect, test } from "vitest";
import { DOCUMENTS } from "../../../src/client/documents.ts";
import { DocumentReader } from "../../../src/graphql/documents/document-reader.ts";
import { gatewaySchema } from "../../../src/graphql/schema.ts";
import { fullChanges, many } from "./documents.ts";

const reader = new DocumentReader({ schema: gatewaySchema(), introspection: true });

describe("a document that would take long to validate is refused before validation", () => {
  const fragment = "fragment F on Query { __typename }";
  const doubling = (levels: number, uses: number) =>
    `${many(levels, (at) => `fragment F${at} on Query { ${`...F${at + 1} `.repeat(uses)} }`)} fragment F${levels} on Query { __typename }`;
  test.each<[what: string, document: string, why: RegExp]>([
    [
      "one fragment, 7,400 times",
      `query Q1 { ${"...F ".repeat(7_400)} } ${fragment}`,
      /spreads fragments too often/,
    ],
    [
      "fragments that each spread the next one twenty times",
      `{ ...F0 } ${doubling(4, 20)}`,
      /more than 15000 fields/,
    ],
    ["nested fragments whose total overflows every number", `{ ...F0 } ${doubling(150, 40)}`, /depth/],
    ["fragments that no operation uses", `{ __typename } ${doubling(4, 20)}`, /more than 15000 fields/],
    [
      "operations that exceed the limit together only",
      `${many(50, (at) => `query Q${at} { a: camErrors { ...F } }`)} fragment F on CamErrorInfo { ${many(300, (at) => `... { a${at}: code }`)} }`,
      /more than 15000 fields/,
    ],
    [
      "aliases times fragments",
      `{ ${many(30, (at) => `a${at}: camErrors { ...F }`)} } fragment F on CamErrorInfo { ${many(34, (at) => `b${at}: code`)} }`,
      /Aliases limit of 1000/,
    ],
    [
      "directives of a fragment that is spread often",
      `{ ${many(13, (at) => `a${at}: camErrors { ...F @skip(if: false) }`)} } fragment F on CamErrorInfo { code @skip(if: false) message @skip(if: false) remedy @skip(if: false) }`,
      /Directives limit of 50/,
    ],
    [
      "lists of a fragment that is spread often",
      `{ ${many(100, (at) => `...F${at}`)} } ${many(100, (at) => `fragment F${at} on Query { a${at}: subUsers(opUins: [${many(50, (uin) => `${uin + 1}`)}]) { name } }`)}`,
      /more than 5000 values/,
    ],
    [
      "a list",
      `{ subUsers(opUins: [${many(5_000, (at) => `${at + 1}`)}]) { name } }`,
      /more than 5000 values/,
    ],
    [
      "a list that is a variable's default",
      `query ($of: [Uin!]! = [${many(5_000, (at) => `${at + 1}`)}]) { subUsers(opUins: $of) { name } }`,
      /more than 5000 values/,
    ],
    [
      "objects in lists",
      `{ _entities(representations: [${many(1_700, (at) => `{__typename:"SubUser",id:"${at}"}`)}]) { __typename } }`,
      /more than 5000 values/,
    ],
    [
      "an object",
      `mutation { setSubUserMfa(opUin: 1, login: {${"phone: true ".repeat(4_950)}}) { requestId } }`,
      /./,
    ],
    ["operations", many(51, (at) => `query Q${at} { __typename }`), /50 operations/],
    ["variables", `query (${many(1_001, (at) => `$v${at}: Int`)}) { __typename }`, /1000 variables/],
    [
      "fragments",
      `{ ...F0 } ${many(201, (at) => `fragment F${at} on Query { __typename }`)}`,
      /defines fragments too often/,
    ],
    [
      "definitions of types",
      "{ __typename } extend type Query { more: Int }",
      /only operations and fragments/,
    ],
    ["characters", `{ __typename } # ${"x".repeat(262_144)}`, /262144 characters/],
  ])("%s", (_what, document, why) => {
    expect(refusalOf(document)).toMatch(why);
  });

  test.each<[what: string, document: string]>([
    ["itself", "{ ...F } fragment F on Query { ...F }"],
    ["itself through other fragments", `{ ...A } ${ring(["A", "B", "C"])}`],
    ["itself in a field", "{ camErrors { ...F } } fragment F on CamErrorInfo { ... { ...F } }"],
    ["itself and is unused", `{ __typename } ${ring(["A", "B"])}`],
  ])("a fragment that spreads %s", (_what, document) => {
    expect(refusalOf(document)).toMatch(/^Cannot spread fragment "\w" within itself\.$/);
  });

  test("a spread of a fragment that the document does not have", () => {
    expect(refusalOf(`{ ${many(1_000, (at) => `...F${at}`)} }`)).toBe('Unknown fragment "F0".');
  });

  test("two fragments of one name", () => {
    expect(
      refusalOf("{ ...F } fragment F on Query { a: __typename } fragment F on Query { b: __typename }"),
    ).toBe('There can be only one fragment named "F".');
  });
});

describe("a document may select one place of the answer a hundred times at most", () => {
  const catalogue = "fragment F on Query { camErrors { code } }";
  test.each<[how: string, select: (times: number) => string]>([
    ["directly", (times) => `{ camErrors { ${"code ".repeat(times)} } }`],
    ["by an alias", (times) => `{ camErrors { ${"a: code ".repeat(times)} } }`],
    ["with its subfields", (times) => `{ ${"camErrors { code } ".repeat(times)} }`],
    ["through a fragment", (times) => `{ ${"...F ".repeat(times)} } ${catalogue}`],
    ["through inline fragments", (times) => `{ ${"... { camErrors { code } } ".repeat(times)} }`],
    [
      "through a fragment for each selection",
      (times) =>
        `{ ${many(times, (at) => `...F${at}`)} } ${many(times, (at) => `fragment F${at} on Query { camErrors { code } }`)}`,
    ],
    [
      "below a place that is itself selected often",
      (times) => `{ ${many(10, () => `camErrors { ${"code ".repeat(times / 10)} }`)} }`,
    ],
  ])("%s", (_how, select) => {
    const more = select(110);
    expect(refusalOf(more)).toMatch(/^The document selects "\w+" too often in one place of the answer\./);
    expect(refusalOf(select(100))).toBeUndefined();
  });

  test("selections under different parents count separately", () => {
    expect(
      refusalOf(`{ ${many(15, (at) => `a${at}: camErrors { ${"code ".repeat(10)} }`)} }`),
    ).toBeUndefined();
  });

  test("all places together may have 30,000 pairs of selections", () => {
    const places = (count: number) =>
      `{ ${many(count, (at) => `a${at}: camErrors { ${"code ".repeat(100)} }`)} }`;
    expect(refusalOf(places(6))).toBeUndefined();
    expect(refusalOf(places(7))).toMatch(/too often/);
  });
});

describe("a document within the limits is accepted", () => {
  test.each<[what: string, document: string]>(
    [
      [
        "1,000 spreads",
        `{ ${many(1_000, (at) => `a${at}: camErrors { ...F }`)} } fragment F on CamErrorInfo { code }`,
      ],
      [
        "15,000 selections",
        `{ ${many(1_000, (at) => `a${at}: camErrors { ...F }`)} } fragment F on CamErrorInfo { ${"code category remedy message ".repeat(3)} camCodes }`,
      ],
      ["4,999 values", `{ subUsers(opUins: [${many(4_998, (at) => `${at + 1}`)}]) { name } }`],
      ["300 whole changes", fullChanges(300)],
      ["300 whole changes with a fragment", fullChanges(300, "fragment")],
      ["introspection", getIntrospectionQuery()],
      [
        "introspection with every option",
        getIntrospectionQuery({
          descriptions: true,
          specifiedByUrl: true,
          directiveIsRepeatable: true,
          schemaDescription: true,
          inputValueDeprecation: true,
          oneOf: true,
        }),
      ],
      ...Object.entries(DOCUMENTS).map(([name, document]) => [`the client's ${name}`, document] as const),
      ...globSync("schema/examples/**/*.graphql").map((file) => [file, readFileSync(file, "utf8")] as const),
    ].filter(([file]) => !file.includes("federated")) as [string, string][],
  )("%s", (_what, document) => {
    expect(refusalOf(document)).toBeUndefined();
  });
});

test("a document that breaks many rules gets ten errors and a last one", () => {
  const read = reader.read(`{ ${many(1_000, (at) => `nothing${at}`)} }`);
  expect("errors" in read && read.errors.length).toBe(11);
});

test("the cache is limited by the length of its documents and evicts the least recently used", () => {
  const keeping = new DocumentReader({ schema: gatewaySchema(), introspection: false });
  const documentOf = (at: number) => `query Q${at} { __typename }`.padEnd(10_000);
  for (let at = 0; at < 30; at++) {
    expect(keeping.read(documentOf(at)).isNew).toBe(true);
    expect(keeping.read(documentOf(0)).isNew, `after ${at}`).toBe(false);
  }
  const isNew = Array.from({ length: 30 }, (_, at) => keeping.read(documentOf(29 - at)).isNew);
  expect(isNew.filter((isRead) => !isRead).length).toBeGreaterThanOrEqual(19);
});

test("the cache keeps no long document and no refused one", () => {
  const keeping = new DocumentReader({ schema: gatewaySchema(), introspection: false });
  for (const text of ["{ __typename }".padEnd(20_001), "{ nothing }", "{"]) {
    expect(keeping.read(text).isNew).toBe(true);
    expect(keeping.read(text).isNew).toBe(true);
  }
});

test("variables are validated wherever they occur", () => {
  expect(refusalOf("query ($a: Boolean!) { __typename }")).toMatch(/never used/);
  expect(refusalOf("{ ...F } fragment F on Query { __typename @skip(if: $a) }")).toMatch(/not defined/);
  expect(refusalOf("query ($a: String) { subUser(opUin: $a) { name } }")).toMatch(/expecting type "Uin!"/);
});

/** Returns the first error of a document, or undefined for a valid document. */
function refusalOf(document: string): string | undefined {
  const read = reader.read(document);
  if ("document" in read) return undefined;
  for (const { extensions } of read.errors) {
    expect(extensions["code"]).toMatch(/^GRAPHQL_(VALIDATION|PARSE)_FAILED$/);
  }
  return read.errors[0]?.message;
}

function ring(names: readonly string[]): string {
  return names
    .map((name, at) => `fragment ${name} on Query { ...${names[(at + 1) % names.length]} }`)
    .join(" ");
}
