import type { Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { GraphQLSchema } from "graphql";
import type { RefusalRecorder } from "../audit/refusal-recorder.ts";
import type { Accounts } from "../auth/accounts.ts";
import { type Authenticator, isInNetworks, type Refusal } from "../auth/authenticator.ts";
import type { Config } from "../config/config.ts";
import { Admission } from "../graphql/admission.ts";
import { createApolloServer } from "../graphql/apollo-server.ts";
import type { GraphQLContext } from "../graphql/context.ts";
import { AccountLoaders, type LoaderOptions } from "../graphql/loaders.ts";
import { gatewaySchema } from "../graphql/schema.ts";
import { createHttpApp, GRAPHQL_PATH, type HttpAppDeps } from "../http/app.ts";
import { CallerRate } from "../http/caller-rate.ts";
import { CONSOLE_DOCUMENTS } from "../http/console/console.ts";
import { TrustedDocuments } from "../http/graphql/trusted-documents.ts";
import { loadExamples } from "../http/playground/playground.ts";
import { readTls, reloadTlsOnChange } from "../http/tls.ts";
import type { LogEventId } from "../telemetry/log-events.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { Account } from "./create-account.ts";
import type { Foundation } from "./foundation.ts";
import { CONSOLE_ASSETS_DIR, EXAMPLES_DIR, PLAYGROUND_ASSETS_DIR } from "./package-paths.ts";

interface HttpParts extends Pick<LoaderOptions, "recentWrites" | "directory"> {
  readonly authenticator: Authenticator;
  readonly accounts: Accounts<Account>;
  readonly resolvers: GraphQLContext["resolvers"];
  readonly refusals: RefusalRecorder;
}

/** Serves GraphQL and the pages over HTTP. Returns the address of the GraphQL endpoint. */
export async function openHttp(
  foundation: Foundation,
  { authenticator, accounts, resolvers, refusals, ...loaderParts }: HttpParts,
): Promise<string> {
  const { config, clock } = foundation;
  const { timeLimitMs } = config.camLimits;
  const schema = gatewaySchema();
  return listen(foundation, {
    ...{ authenticator, apollo: await startApollo(foundation, schema) },
    admit: createAdmission(foundation, schema, accounts),
    createContext: ({ id: requestId }, details) => {
      const deadlineMs = clock.monotonic() + timeLimitMs;
      const { caller } = details;
      const loaders = new AccountLoaders(accounts, { requestId, deadlineMs, caller, clock, ...loaderParts });
      const noteRefusal: GraphQLContext["noteRefusal"] = (refusal) => refusals.note(refusal);
      return { requestId, deadlineMs, resolvers, loaders, noteRefusal, ...details };
    },
  });
}

async function startApollo({ config, logger, closers }: Foundation, schema: GraphQLSchema) {
  const apollo = createApolloServer({
    ...{ schema, introspection: config.http.introspection },
    logger: logger.forLibrary("apollo"),
    onUnexpectedError: (err, requestId) => logger.report("internal_error", { err, requestId }),
  });
  await apollo.start();
  closers.defer(() => apollo.stop());
  return apollo;
}

/** Returns the check of an operation's cost against the accounts that its caller may use. */
function createAdmission(
  { config }: Foundation,
  schema: GraphQLSchema,
  accounts: Accounts<Account>,
): HttpAppDeps["admit"] {
  const admission = new Admission({ schema, introspection: config.http.introspection });
  const { timeLimitMs } = config.camLimits;
  return (operation, caller) =>
    admission.admit(operation, {
      timeLimitMs,
      slowest: Math.min(...accounts.all.map(({ ratePerSecond }) => ratePerSecond)),
      // Only an operation that was not measured before needs the accounts of the caller.
      get rates() {
        return new Map(accounts.visibleTo(caller).map(({ name, ratePerSecond }) => [name, ratePerSecond]));
      },
    });
}

async function listen(
  { config, clock, logger, telemetry, closers }: Foundation,
  parts: Pick<HttpAppDeps, "apollo" | "authenticator" | "admit" | "createContext">,
): Promise<string> {
  const { host, port, tls, keepAliveMs, hostnames, maxConnections, proxies, trustedDocuments } = config.http;
  const { report } = logger;
  const documents = trustedDocuments && {
    ...trustedDocuments,
    own: config.http.console === undefined ? [] : CONSOLE_DOCUMENTS,
    onUntrusted: (operation: object) => report("documents.untrusted", operation),
  };
  const app = await createHttpApp({
    ...parts,
    ...{ keepAliveMs, hostnames, logger },
    telemetry,
    onRejectedToken: (refusal, requestId) => reportRejectedToken(telemetry, refusal, requestId),
    callerRate: new CallerRate(config.http.callerRatePerSecond),
    trustedDocuments: documents && (await TrustedDocuments.load(documents)),
    connections: {
      ...{ maxConnections, clock, longestAnswerMs: config.camLimits.timeLimitMs },
      isProxy: isInNetworks(proxies),
      observer: connectionObserver(telemetry),
    },
    tls: tls && (await readTls(tls)),
    ...(await pagesOf(config)),
  });
  closers.defer(() => app.close());
  if (tls !== undefined)
    closers.defer(reloadTlsOnChange(app.server as unknown as Server, tls, tlsObserver(telemetry)));
  await app.listen({ host, port });
  const address = app.server.address() as AddressInfo;
  const name = host.includes(":") ? `[${host}]` : host;
  return `${tls === undefined ? "http" : "https"}://${name}:${address.port}${GRAPHQL_PATH}`;
}

/** Returns the pages that the gateway serves, with the data that the server writes into them. */
async function pagesOf({ http, cam }: Config): Promise<Pick<HttpAppDeps, "playground" | "console">> {
  return {
    playground: http.playground
      ? {
          assetsDir: PLAYGROUND_ASSETS_DIR,
          examples: await loadExamples(EXAMPLES_DIR),
          banner:
            cam === undefined ? { target: "emulator" } : { target: "cam", endpoint: cam.endpoint.origin },
        }
      : undefined,
    console: http.console && {
      assetsDir: CONSOLE_ASSETS_DIR,
      boot: { signIn: http.console.signIn, isEmulated: cam === undefined },
    },
  };
}

/** Reports a token or certificate that the gateway rejects or cannot check. No line contains it. */
function reportRejectedToken({ report }: Telemetry, refused: Refusal, requestId: string): void {
  const { refusal, retryAfterMs, cause, mismatch, claim } = refused;
  const event: LogEventId = retryAfterMs === undefined ? "auth.token_rejected" : "auth.check_failed";
  report(event, {
    ...{ requestId, reason: refusal, ...(cause === undefined ? {} : { problem: String(cause) }) },
    ...{ ...mismatch, ...(claim === undefined ? {} : { claim: claim.name, claimProblem: claim.problem }) },
  });
}

function tlsObserver({ report }: Telemetry) {
  return {
    onTlsReloaded: () => report("tls.reloaded"),
    onTlsError: (err: unknown) => report("tls.certificate_unusable", { err }),
  };
}

/** Reports refused connections: the first of each kind on its own, and then one line a minute for the others. */
function connectionObserver({ report }: Telemetry) {
  return {
    onConnectionsRefused: (kind: "address" | "total", address: string, connections: number) =>
      report(kind === "total" ? "http.connections_refused" : "http.connections_refused_by_address", {
        ...{ kind, address, connections },
      }),
  };
}
