import { execFileSync } from "node:child_process";
import { cpus, loadavg } from "node:os";
import { fileURLToPath } from "node:url";

const HERE = fileURLToPath(new URL(".", import.meta.url));

/** Describes the conditions of a figure in one line: Node, processors, load and commit. */
export function describeMachine(): string {
  const processors = cpus();
  const model = processors[0]?.model.trim() || "unknown processor";
  const load = loadavg()[0]?.toFixed(1);
  return `Node ${process.versions.node}, ${processors.length} x ${model} (load ${load}), commit ${commit()}`;
}

/** Returns the commit, without uncommitted edits; unknown without git or history. */
function commit(): string {
  try {
    const head = ["rev-parse", "--short=12", "HEAD"];
    return execFileSync("git", head, {
      cwd: HERE,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return "unknown";
  }
}
