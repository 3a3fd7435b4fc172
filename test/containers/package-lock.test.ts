import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../support/compose-file.ts";

interface LockedPackage {
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const { packages } = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as {
  readonly packages: Readonly<Record<string, LockedPackage>>;
};

/**
 * npm (11.16 and later) leaves a package for another platform out of the lock when the registry at hand does not
 * have it, and then `npm ci` refuses its own lock: https://github.com/npm/cli/issues/9846. The cure is an entry with
 * the version, os and cpu, as others of the same family have it.
 */
test("package-lock.json has an entry for every optional dependency, without which npm ci refuses it", () => {
  const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter((name) => !isLocked(path, name)),
  );
  expect(missing).toEqual([]);
});

/** Beside its user, or in any folder above. */
function isLocked(path: string, name: string): boolean {
  const folders = path
    .split("/node_modules/")
    .map((_, index, all) => all.slice(0, index + 1).join("/node_modules/"));
  return ["", ...folders].some(
    (folder) => `${folder === "" ? "" : `${folder}/`}node_modules/${name}` in packages,
  );
}
