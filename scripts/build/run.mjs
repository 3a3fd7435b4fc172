import { buildParts } from "./build-parts.mjs";
import { parts } from "./parts.mjs";

/** Runs the command line of the build script: names of parts, or none for all. */
export async function run(args) {
  const unknown = args.filter((name) => !Object.hasOwn(parts, name));
  if (unknown.length > 0) {
    fail(`no part is called ${unknown.join(", ")}; there are ${Object.keys(parts).join(", ")}`);
    return;
  }
  try {
    await buildParts(args.length === 0 ? Object.keys(parts) : args);
  } catch (error) {
    fail(error.message);
  }
}

function fail(message) {
  console.error(`build: failed\n${message}`);
  process.exitCode = 1;
}
