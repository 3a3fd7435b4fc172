import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const source = readFileSync(new URL("../src/main.ts", import.meta.url), "utf8");

test("a Node that is too old is told in words, with 1, and reads nothing else", async () => {
  const pretended = `Object.defineProperty(process.versions, "node", { value: "20.19.4" });`;
  const program = `${pretended}\n${stripTypeScriptTypes(source.replace(/^#!.*/, ""))}`;
  const ended = promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program]);
  await expect(ended).rejects.toMatchObject({
    code: 1,
    stdout: "",
    stderr: expect.stringMatching(/^The gateway needs Node 24 or later, and this is 20\.19\.4\. .*\n$/),
  });
});

test("what looks at the version imports nothing before it has", () => {
  expect(source).not.toMatch(/^import /m);
});
