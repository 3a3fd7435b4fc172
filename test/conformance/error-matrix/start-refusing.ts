import { sql } from "kysely";
import { SCOPES } from "../../../src/auth/caller.ts";
import { createTestPostgres, openTestPostgres } from "../../support/open-test-database.ts";
import { rewriteRecord } from "../../support/rewrite-record.ts";
import { type StartedGateway, startGateway, UNLIMITED } from "../../support/start-gateway.ts";
import { startIssuer } from "../../support/start-issuer.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { putUsers } from "../support/put-users.ts";
import type { StartedCase } from "./error-cases.ts";

/** The first user of each router belongs to one caller, the second to another. */
const FIELDS = ["setSubUserMfa", "trySetSubUserMfa"] as const;

/** A gateway that requires tokens; the requests have none. */
export function startForTheKnown(): Promise<StartedGateway> {
  return startForCallers();
}

/** A gateway whose callers may only read. */
export async function startForReaders(): Promise<StartedCase> {
  return withToken(await startForCallers(), "cam.mfa:read");
}

/** A gateway whose policy protects the users; the callers may not override it. */
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

/** A gateway on which each idempotency key was used for another change. */
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

/** A gateway with a record of an earlier release: the changes were interrupted and had no effect. */
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
