import { parse } from "graphql";
import { expect, test } from "vitest";
import { createDocumentStore } from "../../src/graphql/document-store.ts";

const documentOf = (characters: number) => parse("{ __typename }".padEnd(characters));

test("documents are kept by what they take of the memory, and those asked for last stay", async () => {
  const store = createDocumentStore();
  for (let at = 0; at < 30; at++) {
    await store.set(`${at}`, documentOf(10_000));
    expect(await store.get("0"), `after ${at}`).toBeDefined();
  }
  const kept = await Promise.all(Array.from({ length: 30 }, (_, at) => store.get(`${at}`)));
  expect(kept.filter((document) => document !== undefined)).toHaveLength(20);
  expect(await store.delete("0")).toBe(true);
  expect(await store.get("0")).toBeUndefined();
});

test("one that is long is not kept, and drives out no other", async () => {
  const store = createDocumentStore();
  await store.set("usual", documentOf(1_000));
  await store.set("long", documentOf(20_001));
  expect(await store.get("long")).toBeUndefined();
  expect(await store.get("usual")).toBeDefined();
});
