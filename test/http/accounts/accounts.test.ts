import { beforeAll, describe, expect, test } from "vitest";
import { ALICE, BOB, CAROL } from "../../support/seed-users.ts";
import { codesOf, PARTNER_OWNER, startAccountsWorld } from "./accounts-world.ts";

/** Chen may use only the default account. Wang may also use the partner's account. */
let world: Awaited<ReturnType<typeof startAccountsWorld>>;
beforeAll(async () => {
  world = await startAccountsWorld();
});

const CHANGE = `mutation ($opUin: Uin!, $account: String) {
  setSubUserMfa(opUin: $opUin, account: $account, login: { phone: true }) {
    change { id account opUin status }
    subUser { account remark mfa { login { phone } } }
  }
}`;

const writesOf = (cam: typeof world.cam) =>
  cam.journal({ action: "SetMfaFlag" }).flatMap(({ opUins }) => opUins);

describe("a caller with access to an account", () => {
  test("changes and reads its users, and no call reaches another account", async () => {
    const { data, errors } = await world.ask(CHANGE, "wang", { opUin: ALICE, account: "partner" });
    expect(errors).toEqual([]);
    expect(data).toEqual({
      setSubUserMfa: {
        change: { id: expect.any(String), account: "partner", opUin: ALICE, status: "APPLIED" },
        subUser: { account: "partner", remark: "of the partner", mfa: { login: { phone: true } } },
      },
    });
    expect(writesOf(world.partner)).toEqual([ALICE]);
    expect(writesOf(world.cam)).toEqual([]);
    const both = `{
      here: subUser(opUin: "${ALICE}") { account mfa { login { phone } } }
      there: subUsers(opUins: ["${ALICE}"], account: "partner") { account mfa { login { phone } } }
    }`;
    expect((await world.ask(both, "wang")).data).toEqual({
      here: { account: "default", mfa: { login: { phone: false } } },
      there: [{ account: "partner", mfa: { login: { phone: true } } }],
    });
  });

  test("finds the account's name in the record and in the log, and can filter the record by it", async () => {
    const { data } = await world.ask(CHANGE, "wang", { opUin: BOB, account: "partner" });
    // Bob has no phone. The record also has changes that the partner's CAM refuses.
    expect(data).toEqual({ setSubUserMfa: null });
    await world.ask(CHANGE, "wang", { opUin: CAROL });
    const list = `query ($account: String) { mfaChanges(account: $account) { nodes { account opUin } } }`;
    const nodesOf = async (account: string) => {
      const reply = await world.ask(list, "wang", { account });
      return (reply.data as { mfaChanges: { nodes: { account: string; opUin: string }[] } }).mfaChanges.nodes;
    };
    expect(await nodesOf("partner")).toContainEqual({ account: "partner", opUin: BOB });
    expect(await nodesOf("default")).toEqual([{ account: "default", opUin: CAROL }]);
    const lines = world.logLines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toContainEqual(
      expect.objectContaining({ msg: "MFA change not applied", account: "partner", opUin: BOB }),
    );
    expect(lines).toContainEqual(
      expect.objectContaining({ msg: "CAM refused a call", account: "partner", action: "SetMfaFlag" }),
    );
    expect(lines).toContainEqual(
      expect.objectContaining({ msg: "MFA change applied", account: "default", opUin: CAROL }),
    );
  });

  test("gets UNKNOWN_ACCOUNT for an unknown or invalid name", async () => {
    for (const account of ["missing", "No such account", "", "a".repeat(100_000)]) {
      const reply = await world.ask(CHANGE, "wang", { opUin: ALICE, account });
      expect(codesOf(reply)).toEqual(["UNKNOWN_ACCOUNT"]);
      expect(reply.text.length).toBeLessThan(1_000);
      const read = `query ($account: String) { subUser(opUin: "${ALICE}", account: $account) { name } }`;
      expect(codesOf(await world.ask(read, "wang", { account }))).toEqual(["UNKNOWN_ACCOUNT"]);
    }
    expect(Math.max(...world.logLines.map(({ length }) => length))).toBeLessThan(10_000);
  });

  test("may name the default account", async () => {
    const { data } = await world.ask(CHANGE, "chen", { opUin: CAROL, account: "default" });
    expect(data).toMatchObject({ setSubUserMfa: { change: { account: "default" } } });
  });
});

describe("a caller without access to an account", () => {
  const fields = [
    [
      "a change",
      `mutation ($account: String) { setSubUserMfa(opUin: 1, account: $account, login: { phone: true }) { requestId } }`,
    ],
    ["a user", `query ($account: String) { subUser(opUin: 1, account: $account) { name } }`],
    ["users", `query ($account: String) { subUsers(opUins: [1, 2], account: $account) { name } }`],
  ] as const;

  test.each(fields)("is refused %s, and cannot find out whether the account exists", async (_what, query) => {
    world.partner.clearJournal();
    const texts: string[] = [];
    for (const account of ["partner", "nowhere"]) {
      const reply = await world.ask(query, "chen", { account });
      expect(codesOf(reply)).toEqual(["FORBIDDEN"]);
      texts.push(JSON.stringify({ ...reply.errors[0], extensions: undefined }));
    }
    expect(texts[0]?.replaceAll("partner", "nowhere")).toBe(texts[1]);
    expect(world.partner.journal()).toEqual([]);
  });

  test("gets the refusal as data", async () => {
    const query = `mutation { trySetSubUserMfa(opUin: 1, account: "partner", login: { phone: true }) {
      ... on CamFailure { code category message }
    } }`;
    expect((await world.ask(query, "chen")).data).toEqual({
      trySetSubUserMfa: {
        code: "FORBIDDEN",
        category: "FORBIDDEN",
        message: "You do not have the permission for this. You may not use the account partner.",
      },
    });
  });

  test("does not see its quota", async () => {
    await world.ask(`{ subUser(opUin: "${ALICE}", account: "partner") { name } }`, "wang");
    await world.ask(`{ subUser(opUin: "${ALICE}") { name } }`, "chen");
    const accountsOf = async (subject: string) => {
      const { data } = await world.ask("{ camQuota { account action } }", subject);
      const { camQuota } = data as { camQuota: readonly { account: string }[] };
      return [...new Set(camQuota.map(({ account }) => account))];
    };
    expect(await accountsOf("chen")).toEqual(["default"]);
    expect(await accountsOf("wang")).toEqual(["default", "partner"]);
  });

  test("cannot find out that it exists by an operation that is too large for it", async () => {
    const many = Array.from(
      { length: 301 },
      (_, at) => `f${at}: setSubUserMfa(opUin: 1, account: "partner", login: { phone: true }) { requestId }`,
    );
    const reply = await world.ask(`mutation { ${many.slice(0, 3).join(" ")} }`, "chen");
    expect(codesOf(reply)).toEqual(["FORBIDDEN", "FORBIDDEN", "FORBIDDEN"]);
    const refused = await world.ask(`mutation { ${many.join(" ")} }`, "chen");
    expect(new Set(codesOf(refused))).toEqual(new Set(["FORBIDDEN"]));
    expect(codesOf(await world.ask(`mutation { ${many.join(" ")} }`, "wang"))).toEqual([
      "GRAPHQL_VALIDATION_FAILED",
    ]);
  });
});

test("at start-up the log names the accounts of the policy that are not configured", () => {
  const line = world.logLines.find((each) => each.includes("policy.accounts_unknown"));
  expect(JSON.parse(line ?? "{}")).toMatchObject({ level: "warn", accounts: ["missing"] });
  expect(world.logLines.join("")).not.toContain("policy.accounts_unlisted");
});

describe("a reference of a router", () => {
  const ENTITIES =
    "query ($of: [_Any!]!) { _entities(representations: $of) { ... on SubUser { id account remark } } }";
  const byId = (id: unknown) => ({ __typename: "SubUser", id });

  test("resolves in the account that its id names, and a Uin alone in the default account", async () => {
    const of = [
      byId(`partner/${ALICE}`),
      byId(ALICE),
      byId(`default/${ALICE}`),
      { __typename: "SubUser", opUin: ALICE },
    ];
    const { data, errors } = await world.ask(ENTITIES, "wang", { of });
    expect(errors).toEqual([]);
    const { _entities: found } = data as { _entities: { id: string; account: string; remark: string }[] };
    expect(found.map(({ id, account }) => [id, account])).toEqual([
      [`partner/${ALICE}`, "partner"],
      [ALICE, "default"],
      [ALICE, "default"],
      [ALICE, "default"],
    ]);
    expect(found.map(({ remark }) => remark === "of the partner")).toEqual([true, false, false, false]);
  });

  test("to a forbidden account or with an invalid id fails alone", async () => {
    const of = [byId(`partner/${ALICE}`), byId(ALICE), byId(7), byId("partner/x"), byId(`/${ALICE}`)];
    const { data, errors } = await world.ask(ENTITIES, "chen", { of });
    expect(data).toMatchObject({ _entities: [null, { account: "default" }, null, null, null] });
    expect(errors).toMatchObject([
      { path: ["_entities", 0], extensions: { code: "FORBIDDEN", opUin: ALICE } },
      { path: ["_entities", 2], extensions: { code: "BAD_USER_INPUT" } },
      { path: ["_entities", 3], extensions: { code: "BAD_USER_INPUT" } },
      { path: ["_entities", 4], extensions: { code: "UNKNOWN_ACCOUNT" } },
    ]);
  });
});

test("the users behind the keys of all accounts are protected in each of them", async () => {
  for (const account of ["default", "partner"]) {
    for (const opUin of [PARTNER_OWNER, "100021969090", "200000000001"]) {
      const reply = await world.ask(CHANGE, "wang", { opUin, account });
      expect(codesOf(reply), `${opUin} ${account}`).toEqual(["PROTECTED_USER"]);
    }
  }
});

test("an idempotency key of a change in one account is refused for the same change in another", async () => {
  const send = (account: string) => world.ask(CHANGE, "wang", { opUin: CAROL, account }, "one-key");
  expect((await send("partner")).errors).toEqual([]);
  expect((await send("partner")).errors).toEqual([]);
  expect(codesOf(await send("default"))).toEqual(["IDEMPOTENCY_KEY_REUSED"]);
});
