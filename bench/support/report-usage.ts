import { answerParent } from "./answer-parent.ts";

/** Preloaded into every program that is measured, so that what is counted is what it uses and nobody else. */
answerParent("cpu", () => {
  const { user, system } = process.cpuUsage();
  return user + system;
});

/** Only where Node runs with --expose-gc. */
answerParent("heap", () => {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
});

// Nothing measured outlives the benchmark, however that ends.
process.once("disconnect", () => process.exit());
