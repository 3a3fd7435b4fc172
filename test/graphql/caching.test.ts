import { expect, test } from "vitest";
import { ALICE, NOBODY } from "../support/seed-users.ts";
import { startGateway } from "../support/start-gateway.ts";

test.each([
  ["of a query", `{ subUser(opUin: "${ALICE}") { name } }`],
  ["that no resolver makes", "{ __typename }"],
  ["of a change", `mutation { setSubUserMfa(opUin: "${ALICE}", login: { phone: true }) { requestId } }`],
  [
    "to a refused change",
    `mutation { setSubUserMfa(opUin: "${NOBODY}", login: { phone: true }) { requestId } }`,
  ],
  ["to a document that is not valid", "{ nothing }"],
  ["to a document that cannot be parsed", "{"],
])("no cache may keep the answer %s", async (_name, query) => {
  const { send } = await startGateway();
  expect((await send(query)).headers).toMatchObject({ "cache-control": "no-store" });
});

test("no cache may keep the answer to a query by GET", async () => {
  const { http } = await startGateway();
  const { status, headers } = await http
    .get("/graphql")
    .query({ query: "{ camErrors { code } }" })
    .set("apollo-require-preflight", "true");
  expect({ status, ...headers }).toMatchObject({ status: 200, "cache-control": "no-store" });
});
