import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeEach, describe, expect, test } from "vitest";
import { contractArtefacts } from "../../scripts/generate/artefacts.ts";
import { generate } from "../../scripts/generate/run.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));

let root = "";
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "generate-"));
  return () => rm(root, { recursive: true });
});

async function run(options: { check: boolean; root?: string }) {
  const lines: string[] = [];
  const exitCode = await generate(contractArtefacts, { root, print: (line) => lines.push(line), ...options });
  return { exitCode, output: lines.join("\n") };
}

describe("npm run generate", () => {
  test("writes every artefact, and the check then passes", async () => {
    expect(await run({ check: false })).toEqual({
      exitCode: 0,
      output: contractArtefacts.map(({ path }) => `${path} written.`).join("\n"),
    });
    expect(await run({ check: true })).toEqual({
      exitCode: 0,
      output: "All 2 generated files are up to date.",
    });
  });

  test("does not rewrite files that are up to date, so that nothing rebuilds", async () => {
    await run({ check: false });
    const file = join(root, "docs/errors.md");
    const before = await stat(file);
    await run({ check: false });
    expect((await stat(file)).mtimeMs).toBe(before.mtimeMs);
  });

  test("marks every file as generated, with the command that generates it", async () => {
    await run({ check: false });
    for (const { path } of contractArtefacts) {
      expect(await readFile(join(root, path), "utf8"), path).toMatch(/Do not edit: run `npm run generate`\./);
    }
  });

  test("renders the same bytes every time", async () => {
    for (const { render } of contractArtefacts) expect(await render()).toBe(await render());
  });
});

describe("npm run check:generated", () => {
  test("prints each stale and each missing file, and the command that repairs them", async () => {
    await run({ check: false });
    await writeFile(join(root, "docs/errors.md"), "# Errors\n");
    await rm(join(root, "schema/error-extensions.schema.json"));
    const { exitCode, output } = await run({ check: true });
    expect(exitCode).toBe(1);
    expect(output).toBe(
      [
        "schema/error-extensions.schema.json is missing.",
        "docs/errors.md is out of date.",
        "Run `npm run generate` and commit the result.",
      ].join("\n"),
    );
    expect(await readFile(join(root, "docs/errors.md"), "utf8")).toBe("# Errors\n");
  });

  test("exits with 1 as a command", () => {
    const command = ["--import", "tsx", "scripts/generate.ts", "--check", "--root", root];
    const { status, stdout } = spawnSync(process.execPath, command, { cwd: repository, encoding: "utf8" });
    expect(stdout).toContain("schema/error-extensions.schema.json is missing.");
    expect(status).toBe(1);
  });

  test("passes for the committed files", async () => {
    expect((await run({ check: true, root: repository })).output).toBe(
      "All 2 generated files are up to date.",
    );
  });
});
