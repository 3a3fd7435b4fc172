import { ApolloServer } from "@apollo/server";
import { startStandaloneServer } from "@apollo/server/standalone";
import { CommonClient } from "tencentcloud-sdk-nodejs-common";
import { EXAMPLE_KEY } from "../support/example-key.ts";

/**
 * A contestant built from the two manuals: Apollo Server standalone with the same mutation, and the official SDK's
 * client. It uses Node's global agent, which keeps connections alive.
 */
const cam = new CommonClient("cam.tencentcloudapi.com", "2019-01-16", {
  credential: EXAMPLE_KEY,
  profile: {
    httpProfile: { endpoint: new URL(process.env["UPSTREAM_URL"] ?? "").host },
  },
});

const typeDefs = `#graphql
  scalar Uin
  enum ChangeResolution { REPLY READ_BACK }
  input LoginActionMfaFlagInput { phone: Boolean stoken: Boolean wechat: Boolean }
  type SubUser { opUin: Uin! }
  type SetSubUserMfaPayload { requestId: String resolvedBy: ChangeResolution! subUser: SubUser! }
  type Query { ready: Boolean! }
  type Mutation {
    setSubUserMfa(opUin: Uin!, login: LoginActionMfaFlagInput, action: LoginActionMfaFlagInput): SetSubUserMfaPayload!
  }
`;

interface Methods {
  readonly phone?: boolean | null;
  readonly stoken?: boolean | null;
  readonly wechat?: boolean | null;
}

interface Change {
  readonly opUin: string;
  readonly login?: Methods | null;
  readonly action?: Methods | null;
}

type WireFlags = Readonly<Record<"Phone" | "Stoken" | "Wechat", number>>;

async function setSubUserMfa(_parent: unknown, { opUin, login, action }: Change) {
  const before = await cam.request("DescribeSafeAuthFlagColl", { SubUin: Number(opUin) });
  const { RequestId } = await cam.request("SetMfaFlag", {
    OpUin: Number(opUin),
    ...(login && { LoginFlag: fullFlagSet(login, before.LoginFlag) }),
    ...(action && { ActionFlag: fullFlagSet(action, before.ActionFlag) }),
  });
  return { requestId: RequestId, resolvedBy: "REPLY", subUser: { opUin } };
}

function fullFlagSet(wanted: Methods, before: WireFlags): WireFlags {
  return {
    Phone: Number(wanted.phone ?? before.Phone),
    Stoken: Number(wanted.stoken ?? before.Stoken),
    Wechat: Number(wanted.wechat ?? before.Wechat),
  };
}

const server = new ApolloServer({
  typeDefs,
  resolvers: { Query: { ready: () => true }, Mutation: { setSubUserMfa } },
});
const { url } = await startStandaloneServer(server, { listen: { host: "127.0.0.1", port: 0 } });
console.log(`listening on ${url}`);
