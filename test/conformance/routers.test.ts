import { ApolloGateway } from "@apollo/gateway";
import { ApolloServer } from "@apollo/server";
import { describe, expect, test } from "vitest";
import { composeSupergraph } from "../../scripts/federated/supergraph.ts";
import { ALICE, BOB, CAROL, NOBODY } from "../support/seed-users.ts";
import { startApolloGateway } from "../support/start-apollo-gateway.ts";
import { startExampleSubgraph } from "../support/start-example-subgraph.ts";
import { startGateway, UNLIMITED } from "../support/start-gateway.ts";
import { startHiveGateway } from "../support/start-hive-gateway.ts";
import { asSubgraph } from "../support/started-router.ts";

const ROUTERS = [
  { router: "@apollo/gateway", startRouter: startApolloGateway, failedAt: 1 },
  // Hive puts every error of a batch at the batch's first path (github.com/ardatan/graphql-tools/issues/2950).
  // `extensions.opUin` therefore has the user of the error.
  { router: "Hive Gateway", startRouter: startHiveGateway, failedAt: 0 },
];

const SUB_USERS_OF_EMPLOYEES = "{ employees { camUser { opUin name mfa { login { phone } } } } }";

describe.each(ROUTERS)("behind $router", ({ startRouter, failedAt }) => {
  /** One employee for each Uin, and the router between the directory and the gateway. */
  async function startGraph(uins: readonly string[]) {
    const gateway = await startGateway(UNLIMITED);
    const employees = uins.map((camUin, index) => ({
      id: String(index),
      name: `Employee ${index}`,
      department: "Operations",
      camUin,
    }));
    const exampleSubgraph = await startExampleSubgraph(employees);
    const { send } = await startRouter({ subgraphs: [asSubgraph(gateway), exampleSubgraph] });
    /** The users in each call of an action. */
    const callsOf = (action: string) => gateway.cam.journal({ action }).map(({ opUins }) => opUins);
    return { send, cam: gateway.cam, callsOf };
  }

  test("a query of both subgraphs returns the users in the example subgraph's order", async () => {
    const { send } = await startGraph([CAROL, NOBODY, ALICE, BOB]);
    const { data, errors } = await send(SUB_USERS_OF_EMPLOYEES);
    expect(errors).toEqual([]);
    expect(data).toEqual({
      employees: [
        { camUser: { opUin: CAROL, name: "carol", mfa: { login: { phone: true } } } },
        { camUser: { opUin: NOBODY, name: null, mfa: null } },
        { camUser: { opUin: ALICE, name: "alice", mfa: { login: { phone: false } } } },
        { camUser: { opUin: BOB, name: "bob", mfa: { login: { phone: false } } } },
      ],
    });
  });

  test("a user that several employees share is read once", async () => {
    const { send, callsOf } = await startGraph([ALICE, BOB, ALICE, ALICE]);
    const { data } = await send(SUB_USERS_OF_EMPLOYEES);
    expect(data).toMatchObject({
      employees: ["alice", "bob", "alice", "alice"].map((name) => ({ camUser: { name } })),
    });
    expect(callsOf("DescribeSubAccounts")).toEqual([[ALICE, BOB]]);
    expect(callsOf("DescribeSafeAuthFlagColl").flat().toSorted()).toEqual([ALICE, BOB]);
  });

  test("up to 50 users share one read", async () => {
    const uins = Array.from({ length: 120 }, (_, index) => String(BigInt(ALICE) + BigInt(index)));
    const { send, callsOf } = await startGraph(uins);
    const { data, errors } = await send("{ employees { camUser { opUin name } } }");
    expect(errors).toEqual([]);
    expect(data).toMatchObject({ employees: uins.map((opUin) => ({ camUser: { opUin } })) });
    expect(callsOf("DescribeSubAccounts").map(({ length }) => length)).toEqual([50, 50, 20]);
  });

  test("a user whose protections cannot be read is null with an error at its path", async () => {
    const { send, cam } = await startGraph([ALICE, BOB, CAROL]);
    cam.addFault({
      kind: "camError",
      code: "UnauthorizedOperation",
      action: "DescribeSafeAuthFlagColl",
      opUin: BOB,
    });
    const { data, errors } = await send(SUB_USERS_OF_EMPLOYEES);
    expect(data).toMatchObject({
      employees: [
        { camUser: { name: "alice", mfa: { login: { phone: false } } } },
        { camUser: { name: "bob", mfa: null } },
        { camUser: { name: "carol", mfa: { login: { phone: true } } } },
      ],
    });
    expect(errors).toMatchObject([
      {
        path: ["employees", failedAt, "camUser", "mfa"],
        extensions: { code: "CAM_PERMISSION_DENIED", opUin: BOB, retryable: false },
      },
    ]);
  });

  test("a change is written once, and the example subgraph resolves the user's employee", async () => {
    const { send, callsOf } = await startGraph([ALICE]);
    const { data, errors } = await send(
      `mutation ($opUin: Uin!) {
        setSubUserMfa(opUin: $opUin, login: { phone: true }) {
          resolvedBy
          subUser { mfa { login { phone } } employee { name } }
        }
      }`,
      { opUin: ALICE },
    );
    expect(errors).toEqual([]);
    expect(data).toEqual({
      setSubUserMfa: {
        resolvedBy: "REPLY",
        subUser: { mfa: { login: { phone: true } }, employee: { name: "Employee 0" } },
      },
    });
    expect(callsOf("SetMfaFlag")).toEqual([[ALICE]]);
  });
});

test("@apollo/gateway refuses a graph with access directives, because it enforces none", async () => {
  const gateway = asSubgraph(await startGateway());
  const supergraphSdl = composeSupergraph([gateway]);
  const server = new ApolloServer({ gateway: new ApolloGateway({ supergraphSdl }) });
  await expect(server.start()).rejects.toThrow(/authenticated/);
});
