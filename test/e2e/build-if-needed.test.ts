import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { beforeEach, describe, expect, test, vi } from "vitest";

// A build takes long on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

const root = join(import.meta.dirname, "../..");
const app = "src/http/playground/app";
let project: string;

beforeEach(async () => {
  project = await mkdtemp(join(tmpdir(), "build-"));
  for (const path of [
    "scripts",
    "tsconfig.json",
    "tsconfig.build.json",
    "package-lock.json",
    "package.json",
  ]) {
    await cp(join(root, path), join(project, path), { recursive: true });
  }
  await symlink(join(root, "node_modules"), join(project, "node_modules"));
  await cp(join(root, app, "vite.config.ts"), join(project, app, "vite.config.ts"), { recursive: true });
  await write(`${app}/index.html`, `<!doctype html><script type="module" src="./main.ts"></script>`);
  await write(`${app}/main.ts`, `document.title = "one";`);
  await write("src/main.ts", `export const main = "one";`);
  await write("src/extra.ts", `export const extra = "one";`);
  await write("src/containers/healthcheck.ts", `console.log(await import("../extra.ts"));`);
  return () => rm(project, { recursive: true });
});

/** The compiled parts. The template of databases has its own test. */
const compiled = ["server", "playground"];

test("builds both parts, then nothing, then only the changed part", async () => {
  expect(await buildIfNeeded(...compiled)).toMatch(
    /^build: building server, playground, which the first time takes up to half a minute …\nbuild: built server in [\d.]+ s, playground in [\d.]+ s\n$/,
  );
  expect(await read("dist/main.js")).toContain(`"one"`);
  expect(await bundle()).toContain("one");
  expect(await buildIfNeeded(...compiled)).toBe("build: up to date\n");

  await write("src/main.ts", `export const main = "two";`);
  expect(await buildIfNeeded(...compiled)).toMatch(
    /^build: building server …\nbuild: built server in [\d.]+ s\n$/,
  );
  expect(await read("dist/main.js")).toContain(`"two"`);

  await write(`${app}/main.ts`, `document.title = "two";`);
  expect(await buildIfNeeded(...compiled)).toMatch(/\nbuild: built playground in [\d.]+ s\n$/);
  expect(await bundle()).toContain("two");
});

test("a module or chunk without a source is removed from dist", async () => {
  await buildIfNeeded("server");
  expect(await readdir(join(project, "dist/chunks"))).toEqual(["extra.js"]);
  await rm(join(project, "src/extra.ts"));
  await write("src/containers/healthcheck.ts", `console.log(await import("../main.ts"));`);
  await buildIfNeeded("server");
  expect(
    (await readdir(join(project, "dist/modules"))).filter((file) => /\.(js|map|ts)$/.test(file)),
  ).toEqual(["main.d.ts", "main.js", "main.js.map"]);
  expect(await readdir(join(project, "dist"))).not.toContain("chunks");
});

test("the template of databases is built once for each release of PGlite and each migration", async () => {
  const inputs = [
    "schema/migrations",
    "src/database",
    "src/jobs",
    "src/gateway/package-paths.ts",
    "src/poller.ts",
  ];
  for (const path of [...inputs, "src/clock.ts", "src/contract", "src/utf8.ts"]) {
    await cp(join(root, path), join(project, path), { recursive: true });
  }
  expect(await buildIfNeeded("server", "pglite-template")).toMatch(/pglite-template in [\d.]+ s/);
  expect(await read("dist/pglite-template/PG_VERSION")).toMatch(/^\d+\n$/);
  await write("src/main.ts", `export const main = "two";`);
  expect(await buildIfNeeded("server", "pglite-template")).toMatch(/\nbuild: built server in [\d.]+ s\n$/);
  expect(await read("dist/pglite-template/PG_VERSION")).toMatch(/^\d+\n$/);
  await write("schema/migrations/9999_next.sql", "create table next ()");
  expect(await buildIfNeeded("pglite-template")).toMatch(/\nbuild: built pglite-template in [\d.]+ s\n$/);
  expect(await read("dist/pglite-template/PG_VERSION")).toMatch(/^\d+\n$/);
});

test("output that was deleted is written again", async () => {
  await buildIfNeeded("server");
  await rm(join(project, "dist/main.js"));
  await buildIfNeeded("server");
  expect(await read("dist/main.js")).toContain(`"one"`);
});

test("processes that start together build once", async () => {
  const outputs = await Promise.all([
    buildIfNeeded("server"),
    buildIfNeeded("server"),
    buildIfNeeded("server"),
  ]);
  expect(outputs.sort()).toEqual([
    expect.stringMatching(/\nbuild: built server in [\d.]+ s\n$/),
    expect.stringMatching(/\nbuild: done by another process\n$/),
    expect.stringMatching(/\nbuild: done by another process\n$/),
  ]);
});

test("the lock of a killed build does not block the next build", async () => {
  // No system gives out this process number: Linux ends at 2^22.
  await write("dist/.build/lock", "99999999");
  expect(await buildIfNeeded("server")).toMatch(/\nbuild: built server/);
});

describe("a build that fails", () => {
  test("prints the tool's message, exits with 1 and runs again next time", async () => {
    await write("src/main.ts", `export const main: number = "one";`);
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(buildIfNeeded("server")).rejects.toMatchObject({
        code: 1,
        stderr: expect.stringContaining("src/main.ts(1,14): error TS2322"),
      });
    }
    await write("src/main.ts", `export const main = "one";`);
    expect(await buildIfNeeded("server")).toMatch(/\nbuild: built server/);
  });
});

async function buildIfNeeded(...parts: string[]): Promise<string> {
  const script = join(project, "scripts/build-if-needed.mjs");
  return (await promisify(execFile)(process.execPath, [script, ...parts])).stderr;
}

async function bundle(): Promise<string> {
  const [file = ""] = await readdir(join(project, "dist/playground/assets"));
  return read(`dist/playground/assets/${file}`);
}

async function write(path: string, content: string): Promise<void> {
  await mkdir(dirname(join(project, path)), { recursive: true });
  await writeFile(join(project, path), content);
}

function read(path: string): Promise<string> {
  return readFile(join(project, path), "utf8");
}
