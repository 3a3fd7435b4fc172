import {
  FORWARDED_HEADERS,
  PATIENCE_SECONDS,
  ROUTER_GUIDES,
  type RouterGuide,
  type RouterId,
  SUBGRAPH,
} from "../../src/cli/doctor/router-guides.ts";
import { CAM_ERROR_EXTENSION_KEYS } from "../../src/contract/index.ts";
import { type Answer, RECORDINGS, type Recording } from "../../test/conformance/support/recordings.ts";
import { GENERATED_NOTICE, markdownTable } from "./format.ts";
import { ROUTER_FACTS } from "./router-facts.ts";

/** Returns docs/consumers/routers.md. */
export function renderRoutersPage(): string {
  const blocks = [
    `<!-- ${GENERATED_NOTICE} -->`,
    "# What routers do to errors",
    routersPageIntroduction,
    "## What arrives",
    markdownTable(
      ["Router", "Version", "`message`", "`code`", "other extensions", "`path`", "as below", "as data"],
      ROUTER_GUIDES.map(arrivals),
    ),
    routersPageAdvice,
    "## Cost limits and trusted documents",
    routersPageLimits,
    limits(),
    ...ROUTER_GUIDES.map(section),
  ];
  return `${blocks.join("\n\n")}\n`;
}

/** The row of a router: what arrives of a thrown error by default and as configured below, and of errors as data. */
function arrivals({ id, title, fates }: RouterGuide): string[] {
  const [byDefault, byDocs] = [recordingOf(id, "default"), recordingOf(id, "docs")];
  const version =
    byDefault === undefined ? "of `package.json`" : `${byDefault.version}, recorded ${byDefault.date}`;
  const ofData = byDefault === undefined ? "all" : `all of ${byDefault.errors.length} errors`;
  const thrown = byDocs === undefined ? "all kept" : `all kept of ${byDocs.errors.length} errors`;
  return [title, version, fates.message, fates.code, fates.otherKeys, fates.path, thrown, ofData];
}

const COSTS = ["a user", "two users", "a change", "a change, errors as data"] as const;

/** A row for each recorded router: its estimated costs, and the errors of refused operations. */
function limits(): string {
  const refusal = ({ status, errors }: Answer) =>
    `${errors[0]?.extensions?.code ?? "no code"}, HTTP ${status}`;
  const rows = ROUTER_GUIDES.flatMap(({ id, title }) => {
    const { cost, trustedDocuments: trusted } = recordingOf(id, "default")?.observed ?? {};
    if (cost === undefined || trusted === undefined || "refuses" in cost || "refuses" in trusted) return [];
    const estimates = [...COSTS.map((what) => cost.operations[what]), cost.list];
    const refusals = [cost.list, trusted.unknownId, trusted.otherDocument].map(refusal);
    return [[title, ...estimates.map((each) => String(each?.estimated)), ...refusals]];
  });
  return markdownTable(
    ["Router", ...COSTS, "a list of users", "over the limit", "an unknown id", "a document without id"],
    rows,
  );
}

function recordingOf(router: RouterId, by: Recording["by"]): Recording | undefined {
  return RECORDINGS.map(({ recording }) => recording).find(
    (each) => each.router === router && each.by === by,
  );
}

function section({ id, title, configuration }: RouterGuide): string {
  const { byDefault, remarks, retries, sources } = ROUTER_FACTS[id];
  const { file, language, render } = configuration;
  return [
    `## ${title}`,
    list(byDefault),
    `This configuration keeps errors whole and forwards the headers that the gateway needs ([${file}](routers/${file})):`,
    `\`\`\`${language}\n${render(SUBGRAPH)}\`\`\``,
    list(remarks),
    `**Retries.** ${retries.join(" ")}`,
    `Sources: ${sources.map((address) => `<${address}>`).join(", ")}`,
  ].join("\n\n");
}

function list(sentences: readonly string[]): string {
  return sentences.map((sentence) => `- ${sentence}`).join("\n");
}

const quoted = (names: readonly string[]) => names.map((name) => `\`${name}\``).join(", ");

/** The introduction of docs/consumers/routers.md. */
const routersPageIntroduction = `\
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

const routersPageAdvice = `\
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
const routersPageLimits = `\
\`@cost\` counts CAM calls ([federation.md](federation.md#cost)). A recorded router estimated the costs of this table, and
refused the list with a limit of 1. It ran trusted documents by their ids, from a manifest in Apollo's format or, for Cosmo,
one file for each document. It sent the gateway the change of a trusted document once.`;
