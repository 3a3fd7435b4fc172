import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { ROOT } from "../support/compose-file.ts";

interface LockedPackage {
  readonly version: string;
  readonly integrity?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

interface Component {
  readonly "bom-ref": string;
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly licenses?: readonly object[];
  readonly hashes: readonly { readonly alg: string; readonly content: string }[];
}

const readJson = (file: string) => JSON.parse(readFileSync(join(ROOT, file), "utf8"));
const manifest = readJson("package.json");
const locked: Readonly<Record<string, LockedPackage>> = readJson("package-lock.json").packages;

/** Returns where Node finds a package that another one requires: in its own folder or in one above. */
function resolve(name: string, from: string): string | undefined {
  const folders = from
    .split("/node_modules/")
    .map((_, index, all) => all.slice(0, index + 1).join("/node_modules/"));
  return ["", ...folders.map((folder) => `${folder}/`)]
    .map((folder) => `${folder}node_modules/${name}`)
    .findLast((path) => path in locked);
}

/** Follows the dependencies of package.json through the lockfile, without its marks of development packages. */
function productionPackages(): ReadonlyMap<string, LockedPackage> {
  const found = new Map<string, LockedPackage>();
  const add = (from: string, names: Readonly<Record<string, string>> = {}): void => {
    for (const path of Object.keys(names).map((name) => resolve(name, from))) {
      const entry = path === undefined ? undefined : locked[path];
      if (path === undefined || entry === undefined || found.has(path)) continue;
      found.set(path, entry);
      add(path, { ...entry.dependencies, ...entry.optionalDependencies, ...peersOf(entry) });
    }
  };
  add("", manifest.dependencies);
  return found;
}

/** npm installs the peers that a package must have. An optional peer is there only if another package needs it. */
function peersOf({ peerDependencies = {}, peerDependenciesMeta: meta = {} }: LockedPackage) {
  return Object.fromEntries(
    Object.entries(peerDependencies).filter(([name]) => meta[name]?.optional !== true),
  );
}

describe("npm run sbom", async () => {
  const { stdout } = await promisify(execFile)("npm", ["run", "--silent", "sbom"], {
    cwd: ROOT,
    maxBuffer: 16 * 1024 * 1024,
  });
  const bill = JSON.parse(stdout);
  const components: readonly Component[] = bill.components;
  const production = productionPackages();

  test("writes CycloneDX about this release of the gateway", () => {
    expect(bill).toMatchObject({
      bomFormat: "CycloneDX",
      specVersion: expect.stringMatching(/^1\.\d$/),
      metadata: { component: { type: "application", name: manifest.name, version: manifest.version } },
    });
  });

  test("lists exactly the production packages of package-lock.json", () => {
    const names = [...production].map(
      ([path, { version }]) => `${path.split("node_modules/").at(-1)}@${version}`,
    );
    expect(names.length).toBeGreaterThan(Object.keys(manifest.dependencies).length);
    expect(components.map(({ name, version }) => `${name}@${version}`).sort()).toEqual(
      [...new Set(names)].sort(),
    );
  });

  test("has the licence, the address and the lockfile's hash of every package", () => {
    const hashes = new Set([...production.values()].map(({ integrity }) => integrity));
    for (const { name, version, purl, licenses, hashes: own } of components) {
      expect(purl).toBe(`pkg:npm/${name.replace("@", "%40")}@${version}`);
      expect(licenses, name).toHaveLength(1);
      const [{ alg, content } = { alg: "", content: "" }] = own;
      expect(alg).toBe("SHA-512");
      expect(hashes).toContain(`sha512-${Buffer.from(content, "hex").toString("base64")}`);
    }
  });

  test("says which package depends on which", () => {
    const known = new Set([bill.metadata.component["bom-ref"], ...components.map((each) => each["bom-ref"])]);
    const edges: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[] =
      bill.dependencies;
    expect(new Set(edges.map(({ ref }) => ref))).toEqual(known);
    expect(edges.flatMap(({ dependsOn }) => dependsOn).filter((ref) => !known.has(ref))).toEqual([]);
    const own = edges.find(({ ref }) => ref === bill.metadata.component["bom-ref"]);
    const direct = Object.entries(manifest.dependencies).map(([name, version]) => `${name}@${version}`);
    expect([...(own?.dependsOn ?? [])].sort()).toEqual(direct.sort());
  });
});
