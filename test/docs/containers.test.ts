import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ROOT, readComposeFile } from "../support/compose-file.ts";

const page = readFileSync(join(ROOT, "docs/operators/containers.md"), "utf8");
const compose = readComposeFile();

describe("docs/operators/containers.md", () => {
  test("has a row for every service and no other", () => {
    const rows = [...page.matchAll(/^\| (`.*?) +\|/gm)].flatMap(
      ([, cell = ""]) => cell.match(/[\w-]+/g) ?? [],
    );
    expect(rows.sort()).toEqual(Object.keys(compose.services).sort());
  });

  test("has every published address", () => {
    const published = Object.values(compose.services).flatMap(({ ports = [] }) => ports);
    for (const port of published) expect(page).toContain(`<http://${port.split(":").slice(0, 2).join(":")}`);
  });
});
