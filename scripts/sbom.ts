/**
 * Writes the gateway's software bill of materials to standard output: `npm run --silent sbom`. It is CycloneDX, written by
 * npm from the lockfile, and lists the packages of production with their hashes and licences.
 *
 * `npm sbom --omit dev` also omits each package that a development package needs too (github.com/npm/cli/issues/7909). So
 * npm reads a copy of package.json and of the lockfile that has no development packages.
 */
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

interface Lockfile {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean }>>;
}

const root = join(import.meta.dirname, "..");
const readJson = async (file: string) => JSON.parse(await readFile(join(root, file), "utf8"));

const { devDependencies: _, ...manifest } = await readJson("package.json");
const { packages, ...lockfile }: Lockfile = await readJson("package-lock.json");
const production = Object.entries(packages).filter(([, { dev }]) => dev !== true);

const staging = await mkdtemp(join(tmpdir(), "sbom-"));
try {
  // npm names the bill after the folder.
  const folder = join(staging, manifest.name);
  await mkdir(folder);
  await writeFile(join(folder, "package.json"), JSON.stringify(manifest));
  await writeFile(
    join(folder, "package-lock.json"),
    JSON.stringify({ ...lockfile, packages: { ...Object.fromEntries(production), "": manifest } }),
  );
  const argv = ["sbom", "--sbom-format", "cyclonedx", "--sbom-type", "application", "--package-lock-only"];
  const { status } = spawnSync("npm", argv, { cwd: folder, stdio: ["ignore", "inherit", "inherit"] });
  process.exitCode = status ?? 1;
} finally {
  await rm(staging, { recursive: true, force: true });
}
