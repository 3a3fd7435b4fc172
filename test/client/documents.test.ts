import { getOperationAST, parse, validate } from "graphql";
import { expect, test } from "vitest";
import { DOCUMENTS } from "../../src/client/documents.ts";
import { publishedSchema } from "./schema.ts";

test.each(Object.entries(DOCUMENTS))(
  "the document of %s is valid and named after its field",
  (name, text) => {
    const document = parse(text);
    expect(validate(publishedSchema, document)).toEqual([]);
    const operation = getOperationAST(document);
    expect(operation?.name?.value).toBe(name);
    expect(operation?.selectionSet.selections).toMatchObject([{ name: { value: name } }]);
  },
);

test("every operation of the schema has a document", () => {
  const fields = [publishedSchema.getQueryType(), publishedSchema.getMutationType()].flatMap((type) =>
    Object.keys(type?.getFields() ?? {}),
  );
  expect(Object.keys(DOCUMENTS).sort()).toEqual(fields.sort());
});
