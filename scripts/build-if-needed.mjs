/**
 * Builds the parts whose inputs changed since their last build: `node scripts/build-if-needed.mjs [part…]`.
 * Several processes may start it at the same time.
 */
import { buildParts } from "./build/build-parts.mjs";
import { parts } from "./build/parts.mjs";

const args = process.argv.slice(2);
const unknown = args.filter((name) => !Object.hasOwn(parts, name));
try {
  if (unknown.length > 0) {
    throw new Error(`no part is called ${unknown.join(", ")}; there are ${Object.keys(parts).join(", ")}`);
  }
  await buildParts(args.length === 0 ? Object.keys(parts) : args);
} catch (error) {
  console.error(`build: failed\n${error.message}`);
  process.exitCode = 1;
}
