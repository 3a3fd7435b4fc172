#!/usr/bin/env node
/**
 * The entry point of the program `cam-gateway`. An old Node can parse this file, so it prints a readable message.
 * The command line is in cli/cli.ts. Only this file of the gateway reads the process's environment and arguments.
 */

const OLDEST_NODE = 24;

if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE) {
  console.error(
    `The gateway needs Node ${OLDEST_NODE} or later, and this is ${process.versions.node}. Use npm start or ` +
      "npm run server: they use the Node that npm installed.",
  );
  process.exitCode = 1;
} else {
  // Most of the start is the compilation of two thousand modules. The folder belongs to the user who installed the code:
  // a shared folder for temporary files would let other users of the machine write code. A read-only folder does no harm.
  const { enableCompileCache } = await import("node:module");
  enableCompileCache(`${import.meta.dirname}/../dist/.compile-cache`);
  const { endOnCrash } = await import("./cli/end-on-crash.ts");
  endOnCrash();
  const { openTerminal } = await import("./cli/terminal.ts");
  const { runCommandLine } = await import("./cli/cli.ts");
  const io = { env: process.env, ...openTerminal() };
  const exitCode = await runCommandLine(process.argv.slice(2), io);
  if (exitCode !== undefined) process.exitCode = exitCode;
}
