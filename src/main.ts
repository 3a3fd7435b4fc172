#!/usr/bin/env node
/** The process edge, which any Node can read, so that one that is too old is told in words. */

const OLDEST_NODE = 24;

if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE) {
  console.error(
    `The gateway needs Node ${OLDEST_NODE} or later, and this is ${process.versions.node}. Use npm start or ` +
      "npm run server, which take the one that npm has brought.",
  );
  process.exitCode = 1;
} else {
  const { serve } = await import("./cli/serve.ts");
  await serve();
}

export {};
