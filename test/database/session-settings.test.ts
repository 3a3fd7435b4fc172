import { expect, test } from "vitest";
import { PreparedStatements } from "../../src/database/session-settings.ts";

test("a statement gets its name at the fifth run, and another statement gets another name", () => {
  const statements = new PreparedStatements();
  const namesOf = (sql: string) => Array.from({ length: 6 }, () => statements.nameOf(sql));
  expect(namesOf("select 1")).toEqual([undefined, undefined, undefined, undefined, "s1", "s1"]);
  expect(namesOf("select 2").at(-1)).toBe("s2");
});

test("a forgotten statement gets no name again", () => {
  const statements = new PreparedStatements();
  for (let run = 0; run < 5; run++) statements.nameOf("select 1");
  statements.forget("select 1");
  for (let run = 0; run < 10; run++) expect(statements.nameOf("select 1")).toBeUndefined();
});

test("beyond 200 statements it prepares no new ones, and keeps those that it has", () => {
  const statements = new PreparedStatements();
  for (let run = 0; run < 5; run++) statements.nameOf("select 0");
  for (let number = 1; number < 300; number++) statements.nameOf(`select ${number}`);
  for (let run = 0; run < 10; run++) expect(statements.nameOf("select 299")).toBeUndefined();
  expect(statements.nameOf("select 0")).toBe("s1");
});
