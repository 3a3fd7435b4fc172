import { beforeAll, describe, expect, test } from "vitest";
import { serveSubgraph } from "../../scripts/federated/serve-subgraph.ts";
import type { Subgraph } from "../../scripts/federated/supergraph.ts";
import { COMPOSERS } from "../../scripts/schema-check/composers.ts";
import { startAccountsWorld } from "../http/accounts/accounts-world.ts";
import { ALICE, CAROL } from "../support/seed-users.ts";
import { startApolloGateway } from "../support/start-apollo-gateway.ts";
import { startHiveGateway } from "../support/start-hive-gateway.ts";
import { asSubgraph } from "../support/started-router.ts";
import { whenOver } from "../support/when-over.ts";

const HEAD = `extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])
`;

/** A subgraph with users of several accounts. */
const KNOWING = `${HEAD}
type Query { watched: [SubUser!]! }
type SubUser @key(fields: "id") { id: ID! watchedBy: String! }`;

/** A subgraph without accounts. */
const UNKNOWING = `${HEAD}
scalar Uin
type Query { followed: [SubUser!]! }
type SubUser @key(fields: "opUin") { opUin: Uin! followedBy: String! }`;

const WATCHED = [`partner/${ALICE}`, ALICE, `partner/${CAROL}`];

let subgraphs: readonly Subgraph[];
let world: Awaited<ReturnType<typeof startAccountsWorld>>;
beforeAll(async () => {
  world = await startAccountsWorld({ everybody: true });
  subgraphs = [
    asSubgraph(world),
    await startSubgraph("watch", KNOWING, {
      Query: { watched: () => WATCHED.map((id) => ({ id })) },
      SubUser: { watchedBy: ({ id }: { id: string }) => `who watches ${id}` },
    }),
    await startSubgraph("follow", UNKNOWING, {
      Query: { followed: () => [{ opUin: ALICE }] },
      SubUser: { followedBy: () => "somebody" },
    }),
  ];
});

async function startSubgraph(name: string, sdl: string, resolvers: object): Promise<Subgraph> {
  const subgraph = await serveSubgraph({ name, sdl, resolvers, port: 0 });
  whenOver(() => subgraph.stop());
  return subgraph;
}

test.each(COMPOSERS)("the composer of $name accepts subgraphs that use either key", ({ compose }) => {
  expect(compose(subgraphs)).toEqual([]);
});

describe.each([
  ["@apollo/gateway", startApolloGateway],
  ["Hive Gateway", startHiveGateway],
])("behind %s", (_router, startRouter) => {
  test("users that a subgraph names by id are read in their account", async () => {
    const { send } = await startRouter({ subgraphs });
    const { data, errors } = await send("{ watched { id opUin account remark watchedBy } }");
    expect(errors).toEqual([]);
    const { watched } = data as { watched: Readonly<Record<string, string>>[] };
    expect(watched.map(({ id, opUin, account, watchedBy }) => [id, opUin, account, watchedBy])).toEqual([
      [`partner/${ALICE}`, ALICE, "partner", `who watches partner/${ALICE}`],
      [ALICE, ALICE, "default", `who watches ${ALICE}`],
      [`partner/${CAROL}`, CAROL, "partner", `who watches partner/${CAROL}`],
    ]);
    expect(watched.map(({ remark }) => remark === "of the partner")).toEqual([true, false, true]);
  });

  test("users that a subgraph names by Uin are read in the default account", async () => {
    const { send } = await startRouter({ subgraphs });
    const { data, errors } = await send("{ followed { opUin account remark } }");
    expect(errors).toEqual([]);
    expect(data).toMatchObject({ followed: [{ opUin: ALICE, account: "default" }] });
    expect(JSON.stringify(data)).not.toContain("of the partner");
  });

  test("fields of another subgraph resolve by id for a user in another account", async () => {
    const { send } = await startRouter({ subgraphs });
    const query = `mutation {
      setSubUserMfa(opUin: "${CAROL}", account: "partner", login: { phone: true }) {
        subUser { account mfa { login { phone } } watchedBy followedBy }
      }
    }`;
    const { data, errors } = await send(query);
    expect(errors).toEqual([]);
    expect(data).toEqual({
      setSubUserMfa: {
        subUser: {
          account: "partner",
          mfa: { login: { phone: true } },
          watchedBy: `who watches partner/${CAROL}`,
          followedBy: "somebody",
        },
      },
    });
  });
});
