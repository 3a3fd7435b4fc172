import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const page = readFileSync("SECURITY.md", "utf8");
const shownBy = [...page.matchAll(/`(test\/[^`]+)`/g)].map(([, path = ""]) => path);

test("SECURITY.md points to tests that exist", () => {
  expect(shownBy.length).toBeGreaterThan(10);
  for (const path of shownBy) expect(existsSync(path), path).toBe(true);
});

test("every row of the threat table names a test or a command", () => {
  const rows = page
    .split("\n")
    .filter((line) => line.startsWith("| ") && !line.startsWith("| Threat") && !line.startsWith("| ---"));
  expect(rows.length).toBeGreaterThan(12);
  for (const row of rows) expect(row.split("|").at(-2)).toMatch(/`(test\/|npm run )/);
});
