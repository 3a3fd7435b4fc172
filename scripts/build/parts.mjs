import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir, rename, rm, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { promisify } from "node:util";

export const root = join(import.meta.dirname, "../..");
export const dist = join(root, "dist");
/** Stamps, the lock and half-finished output. */
export const workshop = join(dist, ".build");
/** One module for each source file, from which the program is bundled. */
const modules = join(dist, "modules");

const pageFolder = (name) => `src/http/${name}/app`;

/**
 * The parts of a build. Unchanged `inputs` (files and folders) give the same `output`; package-lock.json represents all
 * tools and libraries.
 */
export const parts = {
  server: {
    inputs: ["src", "tsconfig.json", "tsconfig.build.json", "package-lock.json", "scripts/build"],
    except: [pageFolder("playground"), pageFolder("console")],
    output: join(dist, "main.js"),
    build: buildServer,
  },
  playground: page("playground", []),
  console: page("console", ["src/client", "src/contract", "src/rollout-words.ts"]),
  "pglite-template": {
    inputs: [
      "node_modules/@electric-sql/pglite/package.json",
      "node_modules/pg-boss/package.json",
      "schema/migrations",
      "src/database/migrate.ts",
      "src/jobs/job-queue.ts",
      "scripts/build/make-pglite-template.ts",
    ],
    except: [],
    output: join(dist, "pglite-template/PG_VERSION"),
    build: buildPgliteTemplate,
  },
};

async function buildServer({ fromScratch }) {
  if (fromScratch) {
    // tsc believes its notes there and would not write again what was deleted behind its back.
    await rm(modules, { recursive: true, force: true });
  }
  await runTool("typescript/bin/tsc", ["-p", "tsconfig.build.json"]);
  await removeOrphans(modules);
  await bundle();
  await writeFile(join(dist, "commit.txt"), `${await commit()}\n`);
}

/** Bundles the program and its packages, because a start that loads two thousand modules takes twice as long. */
async function bundle() {
  const fresh = join(workshop, "server.new");
  await rm(fresh, { recursive: true, force: true });
  await runNode(join(import.meta.dirname, "bundle-server.mjs"), [modules, fresh]);
  // Node adds to it and removes nothing.
  await rm(join(dist, ".compile-cache"), { recursive: true, force: true });
  // The program comes last, because it loads the others.
  for (const name of ["chunks", "containers", "main.js"]) {
    await rm(join(dist, name), { recursive: true, force: true });
    if (existsSync(join(fresh, name))) {
      await rename(join(fresh, name), join(dist, name));
    }
  }
}

/** Returns the commit of the build, which `/version` shows. An image's build passes it as COMMIT, because it has no git. */
async function commit() {
  if (process.env.COMMIT) {
    return process.env.COMMIT;
  }
  const { stdout } = await promisify(execFile)("git", ["rev-parse", "HEAD"], { cwd: root }).catch(() => ({
    stdout: "unknown",
  }));
  return stdout.trim();
}

/** Removes compiled modules without a source, which would still be importable. */
async function removeOrphans(directory) {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    const source = join(root, "src", relative(modules, path)).replace(/(\.d\.ts|\.js|\.js\.map)$/, ".ts");
    if (entry.isDirectory()) {
      await removeOrphans(path);
    } else if (/\.(d\.ts|js|js\.map)$/.test(entry.name) && !existsSync(source)) {
      await rm(path);
    }
  }
}

/** Returns the part of a page that Vite bundles from its folder and the other named sources. */
function page(name, sources) {
  const folder = pageFolder(name);
  return {
    inputs: [folder, ...sources, "tsconfig.json", "package-lock.json", "scripts/build"],
    except: [],
    output: join(dist, name, "index.html"),
    build: () =>
      buildFolder(name, (fresh) =>
        runTool("vite/bin/vite.js", ["build", folder, "--outDir", fresh, "--emptyOutDir"]),
      ),
  };
}

async function buildPgliteTemplate() {
  await buildFolder("pglite-template", (fresh) =>
    runNode(join(import.meta.dirname, "make-pglite-template.ts"), [fresh]),
  );
}

/** Builds into a new folder and swaps it with the old one, so that readers never see a half-written folder. */
async function buildFolder(name, build) {
  const [fresh, old, target] = [
    join(workshop, `${name}.new`),
    join(workshop, `${name}.old`),
    join(dist, name),
  ];
  await rm(fresh, { recursive: true, force: true });
  await build(fresh);
  await rm(old, { recursive: true, force: true });
  if (existsSync(target)) {
    await rename(target, old);
  }
  await rename(fresh, target);
  await rm(old, { recursive: true, force: true });
}

function runTool(script, args) {
  return runNode(join(root, "node_modules", script), args);
}

/** Runs a tool with the project's own Node, whichever one runs this script. */
async function runNode(script, args) {
  const pinned = join(root, "node_modules/node/bin/node");
  const node = existsSync(pinned) ? pinned : process.execPath;
  // Started by a test, this process has NODE_ENV=test, and Vite would bundle React's development build.
  const env = { ...process.env, NODE_ENV: "production" };
  try {
    await promisify(execFile)(node, [script, ...args], { cwd: root, env });
  } catch (error) {
    throw new Error([error.stdout, error.stderr].join("").trim() || error.message, { cause: error });
  }
}
