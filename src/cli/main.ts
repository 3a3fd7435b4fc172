#!/usr/bin/env node
import { findCommand } from "./commands.ts";
import { endOnCrash } from "./end-on-crash.ts";
import { exitCodeOf, explainFailure } from "./explain-failure.ts";

endOnCrash();
try {
  const { command, args } = findCommand(process.argv.slice(2));
  process.exitCode = await command({ args, env: process.env, stdout: process.stdout });
} catch (error) {
  console.error(explainFailure(error));
  process.exitCode = exitCodeOf(error);
}
