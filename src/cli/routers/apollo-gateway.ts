import { FORWARDED_HEADERS } from "./forwarded-headers.ts";
import type { RouterGuide } from "./router-guide.ts";

export const apolloGateway: RouterGuide = {
  id: "apollo-gateway",
  title: "@apollo/gateway",
  fates: { message: "kept", code: "kept", otherKeys: "kept", path: "kept" },
  byDefault: [
    "It keeps `message`, `path` and all of `extensions`, and adds `extensions.serviceName`.",
    "It hands no header of the client on.",
  ],
  configuration: {
    file: "apollo-gateway.ts",
    language: "ts",
    render: () => `\
import { ApolloGateway, RemoteGraphQLDataSource } from "@apollo/gateway";

const PASSED_ON = ${JSON.stringify(FORWARDED_HEADERS).replaceAll(",", ", ")};

/** As \`context: async ({ req }) => ({ headers: req.headers })\` of Apollo Server gives it. */
interface Context {
  readonly headers?: Readonly<Record<string, string | string[] | undefined>>;
}

export function createApolloGateway(supergraphSdl: string): ApolloGateway {
  return new ApolloGateway({
    supergraphSdl,
    buildService: ({ url }) =>
      new RemoteGraphQLDataSource<Context>({
        ...(url === undefined ? {} : { url }),
        willSendRequest({ request, context }) {
          for (const name of PASSED_ON) {
            const value = context.headers?.[name];
            if (typeof value === "string") request.http?.headers.set(name, value);
          }
        },
      }),
  });
}
`,
  },
  remarks: [
    "Nothing is needed for the errors; the configuration is for the headers.",
    "It refuses a graph with `@authenticated` or `@requiresScopes`, which it cannot enforce: compose without them. The gateway enforces its own rules anyway.",
    "A `formatError` or a plugin of its Apollo Server can still remove what the gateway sent.",
  ],
  retries: ["It retries nothing, and has no time limit for a subgraph."],
  sources: ["https://www.apollographql.com/docs/apollo-server/using-federation/api/apollo-gateway"],
};
