import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/**
 * Returns a hash of the names and contents of files and folders below `root`, without `except`. Uses no time stamps,
 * because a fresh checkout changes them without changing content.
 */
export function fingerprint(root, inputs, except) {
  const hash = createHash("sha256");
  const visit = (path) => {
    if (except.includes(path)) {
      return;
    }
    const absolute = join(root, path);
    if (statSync(absolute).isDirectory()) {
      for (const name of readdirSync(absolute).sort()) {
        visit(`${path}/${name}`);
      }
    } else {
      const content = readFileSync(absolute);
      hash.update(`${path}\0${content.length}\0`).update(content);
    }
  };
  for (const path of inputs) {
    visit(path);
  }
  return hash.digest("hex");
}
