import { existsSync, readFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { fileURLToPath } from "node:url";

/** A figure stands only beside these: Node, processors, how busy they already are, and commit, in one line. */
export function describeMachine(): string {
  const processors = cpus();
  const model = processors[0]?.model.trim() || "unknown processor";
  const load = loadavg()[0]?.toFixed(1);
  return `Node ${process.versions.node}, ${processors.length} x ${model} (load ${load}), commit ${commit()}`;
}

/** Read from the files of .git, so that a machine without git can say it too; uncommitted edits do not show. */
function commit(): string {
  const head = readGitFile("HEAD");
  const reference = head?.match(/^ref: (\S+)/)?.[1];
  const hash = reference === undefined ? head : (readGitFile(reference) ?? packedCommit(reference));
  return hash?.slice(0, 12) ?? "unknown";
}

function packedCommit(reference: string): string | undefined {
  const line = readGitFile("packed-refs")
    ?.split("\n")
    .find((entry) => entry.endsWith(` ${reference}`));
  return line?.split(" ")[0];
}

function readGitFile(name: string): string | undefined {
  const path = fileURLToPath(new URL(`../../.git/${name}`, import.meta.url));
  return existsSync(path) ? readFileSync(path, "utf8").trim() : undefined;
}
