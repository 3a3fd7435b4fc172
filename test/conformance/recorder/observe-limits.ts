import { createHash } from "node:crypto";
import type { Subgraph } from "../../../scripts/federated/supergraph.ts";
import { ALICE, CAROL } from "../../support/seed-users.ts";
import { type ReplyError, startGateway, UNLIMITED } from "../../support/start-gateway.ts";
import { asSubgraph, sendTo, withoutSecurity } from "../../support/started-router.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { COST_CASES, LIST_OF_USERS } from "../support/cost-cases.ts";
import { attempt, type StartRouter, stableErrors } from "./observe.ts";
import type { TrustedManifest } from "./programs.ts";

/** The headers in which routers report the estimated cost of an operation. */
const COST_HEADERS = ["x-wg-cost-estimated", "x-cost-estimated"];

/** The cost of operations by the weights of the published schema. The limit is the cost of reading one user. */
export function observeCost(start: StartRouter, limitingCost: (max: number) => string) {
  return attempt(async () => {
    const graph: Subgraph[] = [withoutSecurity(asSubgraph(await startGateway(UNLIMITED)))];
    const url = await start(graph, limitingCost(1));
    const ask = async (query: string) => {
      const { status, headers, data, errors } = await sendTo(url, query);
      const [told] = COST_HEADERS.flatMap((name) => headers.get(name) ?? []);
      const estimated = told ?? (errors[0] as ReplyError | undefined)?.extensions?.["cost.estimated"];
      const answer = { estimated: estimated === undefined ? null : Number(estimated), isRefused: !data };
      return { answer, refusal: { status, errors: stableErrors(errors) } };
    };
    const operations: Record<string, object> = {};
    for (const [what, query] of COST_CASES) operations[what] = (await ask(query)).answer;
    const { answer, refusal } = await ask(LIST_OF_USERS);
    return { operations, list: { ...answer, ...refusal } };
  });
}

const TRUSTED = [
  ["ReadUser", `query ReadUser { subUser(opUin: "${ALICE}") { name } }`],
  [
    "SwitchOn",
    `mutation SwitchOn { setSubUserMfa(opUin: "${CAROL}", action: { phone: true }) { resolvedBy } }`,
  ],
] as const;

/** A router that runs only trusted documents: a query and a mutation by their ids, another id, and a document without id. */
export function observeTrustedDocuments(start: StartRouter, trusting: (manifest: TrustedManifest) => string) {
  return attempt(async () => {
    const { cam, ...gateway } = await startGateway(UNLIMITED);
    const url = await start([withoutSecurity(asSubgraph(gateway))], trusting(await writeManifest()));
    const byId = (id: string) =>
      post(url, { extensions: { persistedQuery: { version: 1, sha256Hash: id } } });
    const [read, change] = TRUSTED.map(([, body]) => idOf(body));
    return {
      query: await byId(read ?? ""),
      mutation: await byId(change ?? ""),
      writes: cam.journal({ action: "SetMfaFlag" }).length,
      unknownId: await byId(idOf("unknown")),
      otherDocument: await post(url, { query: "{ camErrors { code } }" }),
    };
  });
}

async function writeManifest(): Promise<TrustedManifest> {
  const folder = await temporaryFolder();
  for (const [, body] of TRUSTED)
    await folder.write(`${idOf(body)}.json`, JSON.stringify({ version: 1, body }));
  const operations = TRUSTED.map(([name, body]) => ({
    id: idOf(body),
    name,
    type: body.split(" ")[0],
    body,
  }));
  const manifest = { format: "apollo-persisted-query-manifest", version: 1, operations };
  return { file: await folder.write("manifest.json", JSON.stringify(manifest)), folder: folder.path };
}

function idOf(body: string): string {
  return createHash("sha256").update(body).digest("hex");
}

async function post(url: string, body: object) {
  const headers = { "content-type": "application/json", "graphql-client-name": "recorder" };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  const { data, errors = [] } = (await response.json()) as { data?: unknown; errors?: readonly object[] };
  return { status: response.status, data: data ?? null, errors: stableErrors(errors) };
}
