import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parts, root, workshop } from "./parts.mjs";
import { withLock } from "./with-lock.mjs";

/**
 * Builds those of the named parts whose inputs changed since their last build, and reports it. When several processes
 * start together, one builds and the others wait.
 */
export async function buildParts(names) {
  const isDue = (name) => isGone(name) || stampOf(name) !== currentFingerprint(name);
  const due = names.filter(isDue);
  if (due.length === 0) {
    console.error("build: up to date");
    return;
  }
  // Half a minute without a word looks like a program that hangs.
  const patience = due.some(isGone) ? ", which the first time takes up to half a minute" : "";
  console.error(`build: building ${due.join(", ")}${patience} …`);
  // Settled and not merely rejected: the lock must outlive every tool that was started under it.
  const results = await withLock(join(workshop, "lock"), () =>
    Promise.allSettled(names.filter(isDue).map((name) => buildPart(name, isGone(name)))),
  );
  const failures = results
    .filter((result) => result.status === "rejected")
    .map((result) => result.reason.message);
  if (failures.length > 0) {
    throw new Error(failures.join("\n"));
  }
  const built = results.map((result) => result.value).join(", ");
  console.error(built === "" ? "build: done by another process" : `build: built ${built}`);
}

async function buildPart(name, fromScratch) {
  const startedAt = performance.now();
  // Taken before the build, so that what is edited meanwhile is due again.
  const stamp = currentFingerprint(name);
  await parts[name].build({ fromScratch });
  writeFileSync(stampFile(name), stamp);
  return `${name} in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`;
}

function isGone(name) {
  return !existsSync(parts[name].output);
}

function currentFingerprint(name) {
  return fingerprint(root, parts[name].inputs, parts[name].except);
}

function stampFile(name) {
  return join(workshop, `${name}.stamp`);
}

function stampOf(name) {
  return existsSync(stampFile(name)) ? readFileSync(stampFile(name), "utf8") : undefined;
}

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
