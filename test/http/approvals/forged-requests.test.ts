import { generateKeyPairSync } from "node:crypto";
import pg from "pg";
import { beforeEach, describe, expect, test } from "vitest";
import { ALICE, NOBODY } from "../../support/seed-users.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { ALICE_ASKS, BOB_ASKS, changeIdOf, outcomeOf, startApprovalWorld } from "./approval-world.ts";

const world = await startApprovalWorld([ALICE]);
const { one, two, ask, databaseUrl, roleUrl, policy } = world;

beforeEach(() => one.cam.reset());

const PHONE_ON = `mutation { setSubUserMfa(opUin: "${ALICE}", login: { phone: true }) { requestId } }`;
const APPROVE = "mutation ($id: ID!) { approveMfaChange(id: $id) { requestId } }";
const RECORD = "query ($id: ID!) { mfaChange(id: $id) { status code } }";

async function query(url: string, text: string, values: readonly unknown[] = []) {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query(text, [...values])).rows;
  } finally {
    await client.end();
  }
}

async function awaiting(): Promise<string> {
  return changeIdOf(await ask(ALICE_ASKS, PHONE_ON));
}

function writes(): number {
  return one.cam.counters()["SetMfaFlag"]?.received ?? 0;
}

/** Asserts that no approval sends the change, and that the record and the log report it as forged. */
async function expectForged(id: string, why: string, of = one): Promise<void> {
  expect(await ask(BOB_ASKS, APPROVE, { variables: { id }, of })).toMatchObject({
    errors: [
      {
        message: expect.stringContaining("This gateway did not record the request in this form."),
        extensions: { code: "FORBIDDEN", changeId: id },
      },
    ],
  });
  expect(writes()).toBe(0);
  const record = await ask(ALICE_ASKS, RECORD, { variables: { id } });
  expect(outcomeOf(record)).toEqual({ status: "REFUSED", code: "FORBIDDEN" });
  expect(of.logLines.filter((line) => line.includes(id) && line.includes("approval.not_genuine"))).toEqual([
    expect.stringContaining(`"why":"${why}"`),
  ]);
  // A later approval fails too.
  expect(outcomeOf(await ask(BOB_ASKS, APPROVE, { variables: { id }, of: two }))).toBe("FORBIDDEN");
  expect(writes()).toBe(0);
}

/** Inserts a request in the name of any caller, with the rights of the gateway's database role. */
async function insertAs(subject: string): Promise<string> {
  const intent = {
    ...{ account: "default", op_uin: ALICE, caller_subject: subject, caller_client: "portal" },
    ...{ caller_issuer: world.issuers[0].url, gateway_request_id: "r", request_hash: "h", replica: "one" },
    requested: { login: { phone: false }, overwriteOtherMethods: false },
    ...{ reason: "I left.", before_image: {}, sent: {}, request_mac: "00", request_key: "00" },
  };
  const [row] = await query(
    roleUrl,
    "select change_id as id from begin_change($1::jsonb, 1000, 3600000, 0, 0, null, 0)",
    [JSON.stringify(intent)],
  );
  return row.id;
}

describe("a request for approval that the gateway did not record", () => {
  test("is not sent, even in the name of a real caller", async () => {
    await expectForged(await insertAs("alice"), "NOT_SEALED");
  });

  test("is not sent with the MAC of another request or an invalid MAC", async () => {
    const genuine = await awaiting();
    const [{ request_mac, request_key }] = await query(
      databaseUrl,
      "select request_mac, request_key from mfa_change where id = $1",
      [genuine],
    );
    for (const mac of [request_mac, "", "zz", request_mac.slice(2)]) {
      const forged = await insertAs("alice");
      await query(roleUrl, "select seal_request($1, $2, $3)", [forged, mac, request_key]);
      await expectForged(forged, "ALTERED");
    }
    const other = await insertAs("alice");
    await query(roleUrl, "select seal_request($1, $2, 'ffffffffffffffff')", [other, request_mac]);
    await expectForged(other, "UNKNOWN_KEY");
  });

  test("is not sent, even after the real caller's own request joins it", async () => {
    // The request would join any waiting change with the same effect, so these expire first.
    await query(
      databaseUrl,
      `update mfa_change set expires_at = clock_timestamp() where op_uin = '${ALICE}' and status = 'awaiting_approval'`,
    );
    const forged = await insertAs("alice");
    const asked = { login: { phone: true }, overwriteOtherMethods: false };
    await query(databaseUrl, "update mfa_change set requested = $2 where id = $1", [
      forged,
      JSON.stringify(asked),
    ]);
    expect(await awaiting()).toBe(forged);
    await expectForged(forged, "ALTERED");
  });
});

test.each([
  ["user", `op_uin = '${NOBODY}'`],
  ["account", "account = 'other'"],
  ["switches", `requested = '{"login": {"phone": false}, "overwriteOtherMethods": false}'`],
  ["added switches", `requested = requested || '{"action": {"phone": false}}'`],
  ["other methods", `requested = requested || '{"overwriteOtherMethods": true}'`],
  ["caller", "caller_subject = 'carol'"],
  ["caller's client", "caller_client = 'other'"],
  ["caller's issuer", "caller_issuer = null"],
  ["reason", "reason = 'Another.'"],
  ["time", "expires_at = expires_at + interval '1 day'"],
  ["MAC", "request_mac = null"],
])("a waiting request is not sent if its %s was altered", async (what, change) => {
  const id = await awaiting();
  await query(databaseUrl, `update mfa_change set ${change} where id = $1`, [id]);
  const reply = await ask(BOB_ASKS, APPROVE, { variables: { id } });
  expect(reply.errors).toHaveLength(1);
  expect(writes()).toBe(0);
  // For another account or user, the gateway may refuse for another reason first.
  if (what !== "account" && what !== "user") {
    expect(outcomeOf(reply)).toBe("FORBIDDEN");
    const [{ status }] = await query(databaseUrl, "select status from mfa_change where id = $1", [id]);
    expect(status).toBe("refused");
  }
});

describe("during a key rotation", () => {
  async function newKey(): Promise<string> {
    const { privateKey } = generateKeyPairSync("ed25519");
    const pem = String(privateKey.export({ type: "pkcs8", format: "pem" }));
    return (await temporaryFolder()).write("key.pem", pem);
  }

  test("a request with the previous key's MAC is approved only by a replica that has the previous key", async () => {
    const AUDIT_SIGNING_KEY_FILE = await newKey();
    const AUDIT_PREVIOUS_KEY_FILE = policy.env.AUDIT_SIGNING_KEY_FILE;
    const renewed = await world.startReplica({
      AUDIT_SIGNING_KEY_FILE,
      AUDIT_PREVIOUS_KEY_FILE,
      REPLICA: "renewed",
    });
    const before = await awaiting();
    const approved = await ask(BOB_ASKS, APPROVE, { variables: { id: before }, of: renewed });
    expect(approved.errors).toEqual([]);
    expect(writes()).toBe(1);
    one.cam.reset();
    const after = changeIdOf(await ask(ALICE_ASKS, PHONE_ON, { of: renewed }));
    await expectForged(after, "UNKNOWN_KEY");
    const forgetful = await world.startReplica({ AUDIT_SIGNING_KEY_FILE, REPLICA: "forgetful" });
    await expectForged(await awaiting(), "UNKNOWN_KEY", forgetful);
  });
});
