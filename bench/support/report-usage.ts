import { answerParent } from "./answer-parent.ts";

/** Preloaded into each measured program: reports the CPU time and heap of this process alone. */
answerParent("cpu", () => {
  const { user, system } = process.cpuUsage();
  return user + system;
});

/** Available only with --expose-gc. */
answerParent("heap", () => {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
});

// A measured process must not outlive the benchmark.
process.once("disconnect", () => process.exit());
