/**
 * Builds the gateway into dist/ and its playground into dist/playground/: `node scripts/build.mjs [part…]`.
 * Runs on Node 20.11 or later; the tools run on the Node in node_modules.
 */
import { run } from "./build/run.mjs";

await run(process.argv.slice(2), { onlyChanged: false });
