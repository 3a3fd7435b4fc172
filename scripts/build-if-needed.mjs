/**
 * Builds the parts whose inputs changed since their last build: `node scripts/build-if-needed.mjs [part…]`.
 * Several processes may start it at the same time.
 */
import { run } from "./build/run.mjs";

await run(process.argv.slice(2));
