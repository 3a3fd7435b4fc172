import { ApolloClient, CombinedGraphQLErrors, gql, HttpLink, InMemoryCache } from "@apollo/client";
import { CombinedError, cacheExchange, createClient, fetchExchange } from "@urql/core";
import { ClientError, GraphQLClient } from "graphql-request";
import { beforeAll, describe, expect, test } from "vitest";
import { camErrorOf, isCamError } from "../../src/client/index.ts";
import { ALICE, BOB, CAROL } from "../support/seed-users.ts";
import { startGateway, UNLIMITED } from "../support/start-gateway.ts";

const THROWING = `mutation ($opUin: Uin!) { setSubUserMfa(opUin: $opUin, login: { phone: true }) { requestId } }`;
const TRYING = `mutation ($opUin: Uin!) {
  trySetSubUserMfa(opUin: $opUin, login: { wechat: true }) { __typename ... on CamFailure { code requestId } }
}`;
const bob = { opUin: BOB };
const phone = {
  code: "USER_NOT_BIND_PHONE",
  category: "PRECONDITION",
  opUin: BOB,
  cam: { code: "FailedOperation.UserNotBindPhone", action: "SetMfaFlag" },
};

let url: string;

beforeAll(async () => {
  url = (await startGateway(UNLIMITED)).gateway.address.url;
});

function expectPhone(error: unknown): void {
  expect(isCamError(error)).toBe(true);
  expect(isCamError(error, "USER_NOT_BIND_PHONE")).toBe(true);
  expect(isCamError(error, "USER_NOT_EXIST")).toBe(false);
  expect(camErrorOf(error)).toMatchObject(phone);
}

describe("the guards recognise an error", () => {
  test("of fetch", async () => {
    const result = (await (await postOf(THROWING, bob)).json()) as { errors: { extensions: object }[] };
    expectPhone(result);
    for (const entry of result.errors) {
      expectPhone(entry);
      if (isCamError(entry)) expect(entry.extensions.cam?.action).toBe("SetMfaFlag");
    }
    const tried = await (await postOf(TRYING, { opUin: CAROL })).json();
    expect(camErrorOf(tried)).toMatchObject({ code: "USER_NOT_BIND_WECHAT", category: "PRECONDITION" });
    expect(camErrorOf(await (await postOf(TRYING, { opUin: ALICE })).json())).toBeUndefined();
  });

  test("of Apollo Client, thrown and in a result", async () => {
    const apollo = new ApolloClient({ link: new HttpLink({ uri: url }), cache: new InMemoryCache() });
    const mutation = gql(THROWING);
    const thrown = await apollo.mutate({ mutation, variables: bob }).catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(CombinedGraphQLErrors);
    expectPhone(thrown);
    const result = await apollo.mutate({ mutation, variables: bob, errorPolicy: "all" });
    expectPhone(result.error);
    expectPhone(result);
    const { data } = await apollo.mutate({ mutation: gql(TRYING), variables: { opUin: CAROL } });
    expect(camErrorOf({ data })?.code).toBe("USER_NOT_BIND_WECHAT");
    apollo.stop();
  });

  test("of urql", async () => {
    const urql = createClient({ url, exchanges: [cacheExchange, fetchExchange], preferGetMethod: false });
    const result = await urql.mutation(THROWING, bob).toPromise();
    expect(result.error).toBeInstanceOf(CombinedError);
    expectPhone(result.error);
    expectPhone(result);
    for (const error of result.error?.graphQLErrors ?? []) expectPhone(error);
    const tried = await urql.mutation(TRYING, { opUin: CAROL }).toPromise();
    expect(camErrorOf(tried)?.code).toBe("USER_NOT_BIND_WECHAT");
  });

  test("of graphql-request", async () => {
    const client = new GraphQLClient(url);
    const thrown = await client.request(THROWING, bob).catch((error: unknown) => error);
    expect(thrown).toBeInstanceOf(ClientError);
    expectPhone(thrown);
    expect(camErrorOf(await client.rawRequest(TRYING, { opUin: CAROL }))?.code).toBe("USER_NOT_BIND_WECHAT");
  });
});

function postOf(query: string, variables: object): Promise<Response> {
  const headers = { "content-type": "application/json" };
  return fetch(url, { method: "POST", headers, body: JSON.stringify({ query, variables }) });
}
