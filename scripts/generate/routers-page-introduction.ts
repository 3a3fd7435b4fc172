import { FORWARDED_HEADERS, PATIENCE_SECONDS, SUBGRAPH } from "../../src/cli/doctor/router-guides.ts";
import { CAM_ERROR_EXTENSION_KEYS } from "../../src/contract/index.ts";

const quoted = (names: readonly string[]) => names.map((name) => `\`${name}\``).join(", ");

/** The introduction of docs/consumers/routers.md. */
export const routersPageIntroduction = `\
Most routers change the errors of a subgraph. This page describes what each router does to the gateway's errors, and gives
the configuration that keeps them whole. The examples call the subgraph \`${SUBGRAPH}\`. Replace that by your own name.

- **If in doubt, use \`trySetSubUserMfa\`.** It returns every business error as data (\`CamFailure\`), which no router
  alters. This channel carries all facts behind every router, even with the router's defaults. The TypeScript
  client offers it too ([client.md](client.md)).
- **Test your router.** This command sends two requests that change nothing, compares the answers with the contract, and
  prints the configuration to use:

\`\`\`sh
npm run doctor -- --router https://router.example.com/graphql --header 'authorization: Bearer ...'
\`\`\`

After \`npm run build\`, \`npx cam-gateway doctor\` is the same command. It exits with 0 if all errors arrive whole, and with
1 if the router loses or changes a part of one. It exits with 2 if it cannot decide. It never prints the value of a header.
\`--header @file\` reads headers from a file, so that they do not appear in a list of processes. [federation.md](federation.md)
describes how the gateway joins a graph.`;

export const routersPageAdvice = `\
The columns from \`message\` to \`path\` are for a thrown error and the router's default configuration. "As below" is the
configuration on this page. "As data" is \`trySetSubUserMfa\`. Each router treats all errors of the gateway alike. A recorded
version ran in front of the gateway (\`test/vectors/routers/\`). The tests run the routers of \`package.json\`.

\`nested\` means that the value is inside another error. \`lost\` means that it does not arrive. The extensions are
${quoted(CAM_ERROR_EXTENSION_KEYS)} ([errors.md](../errors.md)).

## For every router

- **Never retry a mutation.** The gateway itself retries what is safe, and reads the user back after a lost reply. A
  repetition by a router is another change, unless the client sent an \`idempotency-key\`.
- **Wait longer than the gateway.** The gateway ends every change by \`CAM_DEADLINE_MS\` (15 s by default), so configure
  ${PATIENCE_SECONDS} s. A router that stops waiting earlier never gets the outcome of the change.
- **Keep the changes of one mutation together** if the client sends an \`idempotency-key\`. The first change of an operation
  has that key, and the second one has the key and \`/2\` ([idempotency keys](graphql-api.md#repeat-a-request-safely)). If
  fields of other subgraphs are between two changes, the router sends two requests, both with the header. The first change
  of the second request then has the key of the very first change. The gateway refuses it as \`IDEMPOTENCY_KEY_REUSED\` and
  changes nothing. @apollo/gateway and Apollo Router combine adjacent fields of one subgraph into one request. With other
  routers, or if several changes need keys, send one change in each operation. That works behind every router.
- **Forward these headers of the client:** ${quoted(FORWARDED_HEADERS)}.
- **Business errors have HTTP 200 and no Retry-After.** So a router that reacts to statuses repeats nothing.
- **Do not let a router answer mutations from a cache, or merge identical mutations.**`;

/** The text above the table of cost limits and trusted documents. */
export const routersPageLimits = `\
\`@cost\` counts CAM calls ([federation.md](federation.md#cost)). A recorded router estimated the costs of this table, and
refused the list with a limit of 1. It ran trusted documents by their ids, from a manifest in Apollo's format or, for Cosmo,
one file for each document. It sent the gateway the change of a trusted document once.`;
