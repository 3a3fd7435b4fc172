import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { artefacts } from "./generate/artefacts.ts";
import { generate } from "./generate/run.ts";

/**
 * Usage: generate.ts [--check] [--root <folder>]
 *
 * Writes the files that follow from the code. With --check it writes nothing, names each stale file and exits
 * with 1. --root puts the files under another folder than this repository.
 */
const { values } = parseArgs({
  options: {
    check: { type: "boolean", default: false },
    root: { type: "string", default: fileURLToPath(new URL("..", import.meta.url)) },
  },
});

process.exitCode = await generate(artefacts, { ...values, print: console.log });
