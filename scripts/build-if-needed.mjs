/**
 * Builds what changed since it was last built, which mostly is nothing: `node scripts/build-if-needed.mjs [part…]`.
 * Safe to start in several processes at once.
 */
import { run } from "./build/run.mjs";

await run(process.argv.slice(2), { onlyChanged: true });
