import { isDeepStrictEqual } from "node:util";
import type { Subgraph } from "../../../scripts/federated/supergraph.ts";
import { runCommand } from "../../cli/run-command.ts";
import { closedPort } from "../../support/closed-port.ts";
import { ALICE, BOB, CAROL } from "../../support/seed-users.ts";
import { startExampleSubgraph } from "../../support/start-example-subgraph.ts";
import { type StartedGateway, startGateway, UNLIMITED } from "../../support/start-gateway.ts";
import { AUDIENCE, startIssuer } from "../../support/start-issuer.ts";
import { asSubgraph, sendTo, withoutSecurity } from "../../support/started-router.ts";
import { stable } from "../error-matrix/stable.ts";
import { FAILURES } from "../support/failures.ts";
import { putUsers } from "../support/put-users.ts";
import { startRelay } from "../support/start-relay.ts";
import type { WireError } from "../support/wire-error.ts";

/** Starts the router of a recording in front of subgraphs and returns its address. */
export type StartRouter = (subgraphs: readonly Subgraph[], configuration?: string) => Promise<string>;

const SHARED = { ...UNLIMITED.env, CALLER_RATE_PER_SECOND: "0" };
const PATIENT = { ...UNLIMITED, env: { ...SHARED, CAM_TIMEOUT_MS: "1000", CAM_DEADLINE_MS: "60000" } };
const change = (opUin: string) =>
  `mutation { setSubUserMfa(opUin: "${opUin}", login: { phone: true }) { resolvedBy } }`;
const READ = `{ subUser(opUin: "${ALICE}") { name } }`;
const HEADERS = {
  authorization: "Bearer of-a-client",
  "x-request-id": "of-a-client",
  "idempotency-key": "of-a-client",
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
};

export const stableErrors = (errors: readonly object[]) => (errors as readonly WireError[]).map(stable);

/** Returns what a router answers, or the last line of its output if it does not start with the configuration. */
export async function attempt<T>(
  ask: () => Promise<T>,
): Promise<T | { readonly refuses: string | undefined }> {
  return ask().catch(({ message }: Error) => ({ refuses: message.trim().split("\n").at(-1) }));
}

/** Observes a router in front of the gateway and the example subgraph, in every way but the errors of single changes. */
export async function observe(start: StartRouter): Promise<Readonly<Record<string, unknown>>> {
  const gateway = await startGateway(PATIENT);
  const subgraph = withoutSecurity(asSubgraph(gateway));
  const relay = await startRelay();
  const relayed = await start([{ ...subgraph, url: relay.url }]);
  return {
    severalChanges: await observeSeveralChanges(await start([subgraph]), gateway),
    entities: await observeEntities(start, gateway),
    failures: await observeFailures(relayed, relay, gateway),
    lostAnswers: await observeLostAnswers(relayed, relay, gateway),
    headers: await observeHeaders(relayed, relay, gateway),
    unavailable: await observeUnavailable(start, subgraph),
    doctor: await observeDoctor(await start([subgraph])),
  };
}

async function observeSeveralChanges(url: string, { cam }: StartedGateway) {
  putUsers(cam, ["100021960001"]);
  putUsers(cam, ["100021960002"], { phone: null });
  const fields = ["100021960002", "100021960001", "100021960003"].map(
    (opUin, at) => `${"abc"[at]}: setSubUserMfa(opUin: "${opUin}", login: { phone: true }) { resolvedBy }`,
  );
  const { data, errors } = await sendTo(url, `mutation { ${fields.join(" ")} }`);
  return { data, errors: stableErrors(errors) };
}

/** One user in a list whose protections cannot be read, and a list of 1,000 users. */
async function observeEntities(start: StartRouter, gateway: StartedGateway) {
  const graphOf = async (uins: readonly string[]) => {
    const employees = uins.map((camUin, at) => ({ id: String(at), name: "E", department: "D", camUin }));
    return start([withoutSecurity(asSubgraph(gateway)), await startExampleSubgraph(employees)]);
  };
  const fault = { kind: "camError", code: "UnauthorizedOperation", opUin: BOB } as const;
  const { id } = gateway.cam.addFault({ ...fault, action: "DescribeSafeAuthFlagColl" });
  const query = "{ employees { camUser { opUin name mfa { login { phone } } } } }";
  const partial = await sendTo(await graphOf([ALICE, BOB, CAROL]), query);
  gateway.cam.clearFaults(id);
  const thousand = Array.from({ length: 1_000 }, (_, at) => String(BigInt(ALICE) + BigInt(at)));
  gateway.cam.clearJournal();
  const whole = await sendTo(await graphOf(thousand), "{ employees { camUser { opUin name } } }");
  const calls = gateway.cam.journal({ action: "DescribeSubAccounts" }).map(({ opUins }) => opUins.length);
  const employees = whole.data?.["employees"] as readonly { readonly camUser: unknown }[] | undefined;
  return {
    partial: { data: partial.data, errors: stableErrors(partial.errors) },
    thousand: { users: employees?.length ?? 0, errors: whole.errors.length, callsOfCam: calls.length },
  };
}

/** The failures of CAM in which the router sends a change to the gateway once and adds no call, and the others. */
async function observeFailures(url: string, relay: Relay, { cam, gateway: { address } }: StartedGateway) {
  const writesOf = (opUin: string) =>
    cam.journal({ action: "SetMfaFlag" }).filter(({ opUins }) => opUins.includes(opUin)).length;
  const observed = await Promise.all(
    FAILURES.map(async ([what, fault, writes], at) => {
      const opUin = String(100021961000 + at);
      putUsers(cam, [opUin]);
      cam.addFault({ ...fault, opUin });
      relay.route([opUin], address.url);
      await sendTo(url, change(opUin));
      return { what, requests: relay.received(opUin), addedWrites: writesOf(opUin) - writes };
    }),
  );
  const changes = (each: (typeof observed)[number]) => each.requests !== 1 || each.addedWrites !== 0;
  return {
    sentOnce: observed.filter((each) => !changes(each)).map(({ what }) => what),
    others: observed.filter(changes),
  };
}

type Relay = Awaited<ReturnType<typeof startRelay>>;

/** The requests of an operation whose answers from the gateway are lost. */
async function observeLostAnswers(url: string, relay: Relay, { cam, gateway: { address } }: StartedGateway) {
  const [changed, read] = ["100021962001", "100021962002"] as const;
  putUsers(cam, [changed, read]);
  relay.route([changed, read], address.url);
  for (const user of [changed, read]) relay.loseAnswers(user, 1);
  const { errors } = await sendTo(url, change(changed));
  const query = await sendTo(url, `{ subUser(opUin: "${read}") { name } }`);
  return {
    mutation: { requests: relay.received(changed), errors: stableErrors(errors) },
    query: { requests: relay.received(read), errors: query.errors.length },
  };
}

async function observeHeaders(url: string, relay: Relay, { cam, gateway: { address } }: StartedGateway) {
  const opUin = "100021963001";
  putUsers(cam, [opUin]);
  relay.route([opUin], address.url);
  await sendTo(url, change(opUin), {}, HEADERS);
  const arrived = relay.headersOf(opUin);
  // A router may continue a trace by a span of its own.
  const isSame = (name: string, value: string) =>
    name === "traceparent" ? arrived[name]?.slice(0, 35) === value.slice(0, 35) : arrived[name] === value;
  return Object.entries(HEADERS).flatMap(([name, value]) => (isSame(name, value) ? [name] : []));
}

async function observeUnavailable(start: StartRouter, subgraph: Subgraph) {
  const url = `http://127.0.0.1:${await closedPort()}/graphql`;
  const { status, errors } = await sendTo(await start([{ ...subgraph, url }]), change(ALICE));
  return { status, errors: stableErrors(errors) };
}

async function observeDoctor(url: string) {
  const { code, stdout } = await runCommand("doctor", ["--router", url]);
  return { exit: code, guess: /This looks like [^\n]*|No router left a trace/.exec(stdout)?.[0] ?? null };
}

/** A router that stops waiting for the gateway after a second, while CAM is silent. */
export async function observeTimeout(start: StartRouter, impatient: string) {
  const { cam, gateway } = await startGateway({
    ...UNLIMITED,
    env: { ...SHARED, CAM_TIMEOUT_MS: "4000" },
  });
  const opUin = "100021964001";
  putUsers(cam, [opUin]);
  cam.addFault({ kind: "silence", action: "SetMfaFlag", apply: true, opUin, times: 1 });
  const relay = await startRelay();
  relay.route([opUin], gateway.address.url);
  const subgraph = { ...withoutSecurity(asSubgraph({ gateway })), url: relay.url };
  const { status, errors } = await sendTo(await start([subgraph], impatient), change(opUin));
  return { status, errors: stableErrors(errors), requests: relay.received(opUin) };
}

/** A graph with the access directives of the published schema, read by callers one after the other and together. */
export async function observeAccess(
  start: StartRouter,
  authenticating: (jwksUrl: string) => string,
  documented: string,
) {
  const issuer = await startIssuer();
  const gateway = await startGateway({
    ...UNLIMITED,
    callers: "proved",
    env: { ...SHARED, ...issuer.env },
  });
  const graph = [asSubgraph(gateway)];
  const tokenOf = async (scope: string) => issuer.sign({ claims: { scope, aud: AUDIENCE } });
  const callers = {
    "no token": {},
    "another scope": { authorization: `Bearer ${await tokenOf("cam.audit:read")}` },
    "the scope": { authorization: `Bearer ${await tokenOf("cam.mfa:read cam.mfa:write")}` },
  };
  const ask = async (url: string, headers: Readonly<Record<string, string>>) => {
    const { data, errors } = await sendTo(url, READ, {}, headers);
    return { data, errors: stableErrors(errors) };
  };
  const askAll = async (configuration: string) => {
    const url = await start(graph, configuration);
    const answers: Record<string, object> = {};
    for (const [caller, headers] of Object.entries(callers)) answers[caller] = await ask(url, headers);
    const together = await Promise.all(Object.values(callers).map((headers) => ask(url, headers)));
    return { ...answers, callersShareAnswers: !isDeepStrictEqual(together, Object.values(answers)) };
  };
  const verifying = authenticating(issuer.jwksUrl);
  return {
    byDefault: await attempt(() => askAll("")),
    verifyingTokens: await attempt(() => askAll(verifying)),
    verifyingTokensByDocs: await attempt(() => askAll(`${documented}\n${verifying}`)),
  };
}
