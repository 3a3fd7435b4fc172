import { sql } from "kysely";
import { SCOPES } from "../../../src/auth/caller.ts";
import { createTestPostgres, openTestPostgres } from "../../support/open-test-database.ts";
import { rewriteRecord } from "../../support/rewrite-record.ts";
import { type StartedGateway, startGateway, UNLIMITED } from "../../support/start-gateway.ts";
import { startIssuer } from "../../support/start-issuer.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { putUsers } from "../support/put-users.ts";
import type { StartedCase } from "./error-cases.ts";

/** Of each router's two users one is asked about by the first, one by the other. */
const FIELDS = ["setSubUserMfa", "trySetSubUserMfa"] as const;

/** It asks for tokens, and these requests come without. */
export function startForTheKnown(): Promise<StartedGateway> {
  return startForCallers();
}

/** Their callers may read and no more. */
export async function startForReaders(): Promise<StartedCase> {
  return withToken(await startForCallers(), "cam.mfa:read");
}

/** Its policy protects the users, and their callers may not override that. */
export async function startProtecting(users: readonly string[]): Promise<StartedCase> {
  const rules = [{ id: "others", effect: "allow" }];
  const file = await (await temporaryFolder()).write(
    "policy.json",
    JSON.stringify({ protectedUsers: users, rules }),
  );
  const started = await startForCallers({ POLICY_FILE: file });
  return withToken(started, SCOPES.filter((scope) => scope !== "cam.mfa:override").join(" "));
}

type Known = StartedGateway & { readonly issuer: Awaited<ReturnType<typeof startIssuer>> };

async function startForCallers(env: Readonly<Record<string, string>> = {}): Promise<Known> {
  const issuer = await startIssuer();
  const started = await startGateway({
    ...UNLIMITED,
    callers: "proved",
    env: { ...UNLIMITED.env, ...issuer.env, ...env },
  });
  return { ...started, issuer };
}

async function withToken({ issuer, ...started }: Known, scope: string): Promise<StartedCase> {
  const authorization = `Bearer ${await issuer.sign({ claims: { scope } })}`;
  return { ...started, headersOf: () => ({ authorization }) };
}

/** Each user's key was used for another change before. */
export async function startWithUsedKeys(users: readonly string[]): Promise<StartedCase> {
  const started = await startGateway({
    ...UNLIMITED,
    env: { ...UNLIMITED.env, CALLER_RATE_PER_SECOND: "0" },
  });
  putUsers(started.cam, users);
  const headersOf = (user: string) => ({ "idempotency-key": `key-of-${user}` });
  await Promise.all(
    users.flatMap((user) =>
      FIELDS.map((field) =>
        started.http
          .post("/graphql")
          .set(headersOf(user))
          .send({ query: `mutation { ${field}(opUin: ${user}, login: { wechat: false }) { __typename } }` }),
      ),
    ),
  );
  return { ...started, headersOf };
}

/** A release before this one has put on record that the users' changes were interrupted and did not take effect. */
export async function startInterrupted(users: readonly string[]): Promise<StartedCase> {
  const databaseUrl = await createTestPostgres();
  const started = await startGateway({
    ...UNLIMITED,
    env: { ...UNLIMITED.env, CALLER_RATE_PER_SECOND: "0", DATABASE_URL: databaseUrl },
  });
  putUsers(started.cam, users);
  started.cam.addFault({ kind: "camError", code: "InvalidParameter", action: "SetMfaFlag" });
  const headersOf = (user: string) => ({ "idempotency-key": `key-of-${user}` });
  await Promise.all(
    users.map((user, at) => {
      const field = FIELDS[at % FIELDS.length];
      const query = `mutation { ${field}(opUin: ${user}, login: { phone: true }) { __typename } }`;
      return started.http.post("/graphql").set(headersOf(user)).send({ query });
    }),
  );
  await rewriteRecord(await openTestPostgres(databaseUrl), async (db) => {
    await sql`
      update mfa_change set code = 'CHANGE_NOT_APPLIED', resolved_by = 'READ_BACK', cam_code = null,
        cam_action = 'DescribeSafeAuthFlagColl'`.execute(db);
  });
  return { ...started, headersOf };
}
