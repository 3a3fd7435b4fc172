import { execFileSync } from "node:child_process";
import { cpus, loadavg } from "node:os";
import { fileURLToPath } from "node:url";

const HERE = fileURLToPath(new URL(".", import.meta.url));

/** A figure stands only beside these: Node, processors, how busy they already are, and commit, in one line. */
export function describeMachine(): string {
  const processors = cpus();
  const model = processors[0]?.model.trim() || "unknown processor";
  const load = loadavg()[0]?.toFixed(1);
  return `Node ${process.versions.node}, ${processors.length} x ${model} (load ${load}), commit ${commit()}`;
}

/** Uncommitted edits do not show. A machine without git, or a copy without history, cannot say it. */
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
