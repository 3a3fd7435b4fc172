import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const source = readFileSync(new URL("../src/main.ts", import.meta.url), "utf8");

test("an old Node prints a readable message and exits with 1", async () => {
  const pretended = `Object.defineProperty(process.versions, "node", { value: "20.19.4" });`;
  const program = `${pretended}\n${stripTypeScriptTypes(source.replace(/^#!.*/, ""))}`;
  const ended = promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program]);
  await expect(ended).rejects.toMatchObject({
    code: 1,
    stdout: "",
    stderr: expect.stringMatching(/^The gateway needs Node 24 or later, and this is 20\.19\.4\. .*\n$/),
  });
});

test("main.ts imports nothing before it checks the version", () => {
  expect(source).not.toMatch(/^import /m);
});
