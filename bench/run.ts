import { execFileSync } from "node:child_process";
import { cpus, loadavg } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { callers } from "./callers.ts";
import { crash } from "./crash.ts";
import { directory } from "./directory.ts";
import { documents } from "./documents.ts";
import { entities } from "./entities.ts";
import { fleet } from "./fleet.ts";
import { fuzzing } from "./fuzzing.ts";
import { gateways } from "./gateways.ts";
import { memory } from "./memory.ts";
import { mutation } from "./mutation.ts";
import { outcomes } from "./outcomes.ts";
import { plans } from "./plans.ts";
import { quota } from "./quota.ts";
import { reads } from "./reads.ts";
import { rolloutKills } from "./rollout-kills.ts";
import { rolloutUndo } from "./rollout-undo.ts";
import { rollouts } from "./rollouts.ts";
import { scans } from "./scans.ts";
import { signing } from "./signing.ts";
import { startUp } from "./start-up.ts";
import type { Bench } from "./support/bench.ts";
import { buildGateway } from "./support/build-gateway.ts";
import { telemetry } from "./telemetry.ts";
import { upgrade } from "./upgrade.ts";

/** Every benchmark, in the order in which they run. */
const benches: readonly Bench[] = [
  signing,
  mutation,
  fleet,
  telemetry,
  entities,
  documents,
  callers,
  startUp,
  outcomes,
  crash,
  fuzzing,
  memory,
  quota,
  reads,
  directory,
  scans,
  plans,
  rollouts,
  rolloutKills,
  rolloutUndo,
  gateways,
  upgrade,
];

/**
 * Runs `npm run bench [-- NAME…] [--smoke] [--profile=DIR]`. A slow figure is not an error. The exit code is 1 for a
 * benchmark that cannot complete or whose contestants do different work.
 */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { smoke: { type: "boolean", default: false }, profile: { type: "string" } },
    allowPositionals: true,
  });
  const unknown = positionals.filter((name) => !benches.some((bench) => bench.name === name));
  if (unknown.length > 0) {
    const names = benches.map((bench) => bench.name).join(", ");
    throw new Error(`No benchmark is called ${unknown.join(", ")}; there are ${names}.`);
  }
  await buildGateway();
  console.log(`${describeMachine()}${values.smoke ? "\nSmoke run: its figures mean nothing." : ""}`);
  for (const bench of benches) {
    if (positionals.length > 0 && !positionals.includes(bench.name)) continue;
    console.log(`\n${bench.name}: ${bench.title}`);
    await bench.run({
      smoke: values.smoke,
      profileDir: values.profile,
      print: (row) => console.log(`  ${row}`),
    });
  }
}

main().catch((error: unknown) => {
  console.error(error);
  // Exit instead of setting the exit code, because started programs end when their parent ends.
  process.exit(1);
});

const HERE = fileURLToPath(new URL(".", import.meta.url));

/** Describes the conditions of a figure in one line: Node, processors, load and commit. */
function describeMachine(): string {
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
