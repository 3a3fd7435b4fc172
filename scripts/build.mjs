/**
 * Builds the gateway into dist/ and its playground into dist/playground/: `node scripts/build.mjs [part…]`.
 * Needs no particular Node from 20.11 on: the tools run on the one in node_modules.
 */
import { run } from "./build/run.mjs";

await run(process.argv.slice(2), { onlyChanged: false });
