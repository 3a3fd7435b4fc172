import { buildParts } from "./build-parts.mjs";
import { parts } from "./parts.mjs";

/** Runs the command line of both build scripts: names of parts, or none for all. */
export async function run(args, options) {
  const unknown = args.filter((name) => !Object.hasOwn(parts, name));
  if (unknown.length > 0) {
    fail(`no part is called ${unknown.join(", ")}; there are ${Object.keys(parts).join(", ")}`);
    return;
  }
  try {
    await buildParts(args.length === 0 ? Object.keys(parts) : args, options);
  } catch (error) {
    fail(error.message);
  }
}

function fail(message) {
  console.error(`build: failed\n${message}`);
  process.exitCode = 1;
}
