import { expect, test } from "vitest";
import { ALICE, NOBODY } from "../support/seed-users.ts";
import { shareGateway, UNLIMITED } from "../support/start-gateway.ts";

const { send, http } = await shareGateway(UNLIMITED);

test.each([
  ["to a query", `{ subUser(opUin: "${ALICE}") { name } }`],
  ["to a query without a resolver", "{ __typename }"],
  ["to a change", `mutation { setSubUserMfa(opUin: "${ALICE}", login: { phone: true }) { requestId } }`],
  [
    "to a refused change",
    `mutation { setSubUserMfa(opUin: "${NOBODY}", login: { phone: true }) { requestId } }`,
  ],
  ["to a document that is not valid", "{ nothing }"],
  ["to a document that cannot be parsed", "{"],
])("the answer %s has cache-control: no-store", async (_name, query) => {
  expect((await send(query)).headers).toMatchObject({ "cache-control": "no-store" });
});

test("the answer to a query by GET has cache-control: no-store", async () => {
  const { status, headers } = await http
    .get("/graphql")
    .query({ query: "{ camErrors { code } }" })
    .set("apollo-require-preflight", "true");
  expect({ status, ...headers }).toMatchObject({ status: 200, "cache-control": "no-store" });
});
