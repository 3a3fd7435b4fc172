import { FORWARDED_HEADERS, PATIENCE_SECONDS, SUBGRAPH } from "../../src/cli/routers/forwarded-headers.ts";
import { CAM_ERROR_EXTENSION_KEYS } from "../../src/contract/index.ts";

const quoted = (names: readonly string[]) => names.map((name) => `\`${name}\``).join(", ");

/** The introduction of docs/consumers/routers.md. */
export const routersPageIntroduction = `\
Between the gateway and a client of a federated graph stands a router, and most routers change the errors of a
subgraph. This page says what each does, and the configuration that lets the gateway's errors through whole. The
subgraph is called \`${SUBGRAPH}\` here; put in your name for it.

- **When in doubt, use \`trySetSubUserMfa\`.** It returns every business error as data (\`CamFailure\`), which no router
  touches. Behind a router with its defaults it is the only channel that tells everything. The TypeScript
  client has it too ([client.md](client.md)).
- **Ask the router itself.** This sends two requests that change nothing, compares what comes back with the contract,
  and prints the configuration to use:

\`\`\`sh
npm run doctor -- --router https://router.example.com/graphql --header 'authorization: Bearer ...'
\`\`\`

After \`npm run build\`, \`npx cam-gateway doctor\` is the same. It exits with 0 where everything arrives, 1 where
something is lost or changed, 2 where it cannot tell, and never prints a header's value. \`--header @file\` takes headers
from a file, where no list of processes shows them. How the gateway is composed into a graph is in
[federation.md](federation.md).`;

export const routersPageAdvice = `\
\`nested\` is still there, inside another error; \`lost\` is gone. The extensions are
${quoted(CAM_ERROR_EXTENSION_KEYS)}: [errors.md](../errors.md).

## For every router

- **Never retry a mutation.** The gateway retries by itself what is safe, and reads the user back where a reply was
  lost. A repetition by a router is another change, unless the client sent an \`idempotency-key\`.
- **Wait longer than the gateway does**: it ends every change by \`CAM_DEADLINE_MS\` (15 s unless set), so give it
  ${PATIENCE_SECONDS} s. A router that gives up first never learns what became of the change.
- **Keep the changes of one mutation next to each other** where the client sends an \`idempotency-key\`. The first change of
  an operation has that key, the n-th has the key, a slash and n. A router sends fields of other subgraphs that stand
  between them as fetches of their own, and the header with each. The first change after them then has the first one's
  key and is refused as \`IDEMPOTENCY_KEY_REUSED\`; nothing is made. @apollo/gateway and Apollo Router join fields of one
  subgraph that follow each other into one fetch. For other routers, and where several changes need keys, send one change
  an operation: that is right behind every router.
- **Pass on these headers of the client:** ${quoted(FORWARDED_HEADERS)}.
- **Business errors come with HTTP 200 and without Retry-After.** A router that acts on a status never has to.
- **Do not let a router answer mutations from a cache, or join equal ones.**`;
