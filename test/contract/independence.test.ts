import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const folder = fileURLToPath(new URL("../../src/contract", import.meta.url));

test("the contract imports nothing from outside its folder, so that a browser can load it", () => {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((file) =>
    file.endsWith(".ts"),
  );
  expect(files).toContain("index.ts");
  for (const file of files) {
    const path = join(folder, file);
    const imports = [...readFileSync(path, "utf8").matchAll(/^(?:import|export)\b[^;]*?\bfrom "([^"]+)"/gm)];
    for (const [, specifier = ""] of imports) {
      const target = specifier.startsWith(".") ? join(dirname(path), specifier) : specifier;
      expect(target.startsWith(`${folder}/`), `${file} imports ${specifier}`).toBe(true);
    }
  }
});
