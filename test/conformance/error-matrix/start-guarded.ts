import { expect } from "vitest";
import { expireAwaiting } from "../../support/alter-rows.ts";
import { createTestPostgres } from "../../support/open-test-database.ts";
import { type StartedGateway, startGateway, UNLIMITED } from "../../support/start-gateway.ts";
import { twoPersonPolicy } from "../../support/two-person-policy.ts";
import { putUsers } from "../support/put-users.ts";
import type { StartedCase } from "./error-cases.ts";

/** A gateway whose policy requires approval of each change. */
export async function startForTwo(
  users: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<StartedGateway> {
  const policy = await twoPersonPolicy(users);
  const started = await startGateway({
    ...UNLIMITED,
    env: { ...UNLIMITED.env, CALLER_RATE_PER_SECOND: "0", ...policy.env, ...env },
  });
  putUsers(started.cam, users);
  return started;
}

/** Requests a change of each user by an idempotency key, then rejects it. */
export async function startWithdrawn(users: readonly string[]): Promise<StartedCase> {
  const started = await startForTwo(users);
  for (const id of await askByKeys(started, users)) {
    const { errors } = await started.send("mutation ($id: ID!) { rejectMfaChange(id: $id) { id } }", { id });
    expect(errors).toEqual([]);
  }
  return { ...started, headersOf };
}

/** Requests a change of each user by an idempotency key, then lets the approval expire. */
export async function startExpired(users: readonly string[]): Promise<StartedCase> {
  const databaseUrl = await createTestPostgres();
  const started = await startForTwo(users, { DATABASE_URL: databaseUrl });
  await askByKeys(started, users);
  await expireAwaiting(databaseUrl);
  const refused = "{ mfaChanges(status: REFUSED, first: 100) { nodes { code } } }";
  await expect
    .poll(async () => (await started.send(refused)).data, { timeout: 30_000 })
    .toMatchObject({ mfaChanges: { nodes: users.map(() => ({ code: "APPROVAL_EXPIRED" })) } });
  return { ...started, headersOf };
}

/** A gateway whose caller is paused after too many changes. */
export async function startPaused(users: readonly string[]): Promise<StartedGateway> {
  const started = await startGateway({
    ...UNLIMITED,
    env: { ...UNLIMITED.env, CALLER_RATE_PER_SECOND: "0", BULK_GUARD_USERS: "1" },
  });
  putUsers(started.cam, users);
  for (const user of users.slice(0, 2)) {
    await started.send(`mutation { setSubUserMfa(opUin: ${user}, login: { wechat: false }) { requestId } }`);
  }
  return started;
}

function headersOf(user: string): Readonly<Record<string, string>> {
  return { "idempotency-key": `key-of-${user}` };
}

/**
 * Requests a change of each user: the first user of each router by one caller, the second by another. Returns the ids.
 */
async function askByKeys({ http }: StartedGateway, users: readonly string[]): Promise<readonly string[]> {
  return Promise.all(
    users.map(async (user, at) => {
      const isThrown = at % 2 === 0;
      const change = `(opUin: ${user}, login: { phone: true })`;
      const query = isThrown
        ? `mutation { setSubUserMfa${change} { requestId } }`
        : `mutation { trySetSubUserMfa${change} { ... on CamFailure { changeId } } }`;
      const { text } = await http.post("/graphql").set(headersOf(user)).send({ query });
      const { data, errors } = JSON.parse(text) as {
        data: { trySetSubUserMfa?: { changeId: string } };
        errors?: readonly { extensions: { changeId: string } }[];
      };
      return data.trySetSubUserMfa?.changeId ?? errors?.[0]?.extensions.changeId ?? "";
    }),
  );
}
