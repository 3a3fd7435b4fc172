import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";

const { jobs } = parse(readFileSync(".github/workflows/ci.yml", "utf8")) as {
  jobs: Record<string, { strategy: { matrix: { node: number[] } }; steps: { run?: string }[] }>;
};
const { scripts, engines } = JSON.parse(readFileSync("package.json", "utf8")) as {
  scripts: Record<string, string>;
  engines: { node: string };
};

test("the workflow runs .ci/run on the oldest supported Node", () => {
  const [job] = Object.values(jobs);
  expect(job?.steps.map(({ run }) => run)).toContain(".ci/run");
  expect(engines.node).toBe(`>=${Math.min(...(job?.strategy.matrix.node ?? []))}`);
});

test(".ci/run includes the test command of the README", () => {
  expect(readFileSync(".ci/run", "utf8")).toMatch(/^npm run check$/m);
  expect(scripts["check"]).toContain("npm test");
  expect(readFileSync("README.md", "utf8")).toMatch(/^npm test$/m);
});
