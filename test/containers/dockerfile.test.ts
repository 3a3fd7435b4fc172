import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../support/compose-file.ts";
import { buildContext, execForm, parseDockerfile } from "../support/dockerfile.ts";

const stages = parseDockerfile(readFileSync(join(ROOT, "Dockerfile"), "utf8"));
const last = stages.at(-1)?.instructions ?? [];
const context = buildContext(ROOT);
const textOf = (keyword: string) => last.filter((entry) => entry.keyword === keyword).map(({ text }) => text);

test("the Dockerfile starts every stage from one image, with the Node that package.json pins", () => {
  const { devDependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const names = stages.map(({ name }) => name);
  const bases = stages.map(({ from }) => from).filter((from) => !names.includes(from));
  expect(bases).toEqual([`node:${devDependencies.node}-trixie-slim`]);
});

test("the Dockerfile copies only files of its context or of an earlier stage", () => {
  for (const [index, { instructions }] of stages.entries()) {
    for (const { flags, text } of instructions.filter(({ keyword }) => keyword === "COPY")) {
      const sources = text.split(/\s+/).slice(0, -1);
      if (flags["from"] !== undefined) {
        expect(stages.slice(0, index).map(({ name }) => name)).toContain(flags["from"]);
      } else {
        for (const source of sources) {
          expect(
            context.some((file) => file === source || file.startsWith(`${source}/`)),
            source,
          ).toBe(true);
        }
      }
    }
  }
});

test("the image runs the gateway as a user other than root, and has a health check", () => {
  expect(textOf("USER")).toEqual(["1000:1000"]);
  const programs = [...textOf("CMD"), ...textOf("HEALTHCHECK")].map(execForm);
  expect(programs).toEqual([
    ["node", "dist/main.js", "serve"],
    ["node", "dist/containers/healthcheck.js"],
  ]);
  for (const [, script = ""] of programs) {
    expect(existsSync(join(ROOT, script.replace(/^dist\/(.+)\.js$/, "src/$1.ts"))), script).toBe(true);
  }
});

test("the build context has only the files that the image needs", () => {
  const tops = new Set(context.map((file) => file.split("/")[0]));
  expect([...tops].sort()).toEqual(
    [
      "LICENSE",
      "package-lock.json",
      "package.json",
      "schema",
      "scripts",
      "src",
      "tsconfig.build.json",
      "tsconfig.json",
    ].sort(),
  );
  expect(context.filter((file) => /(^|\/)\.|secrets\/|\.pem$|\.key$/.test(file))).toEqual([]);
});
