import type { Scope } from "../../../src/auth/caller.ts";
import { createGatewayRole } from "../../support/gateway-role.ts";
import { createTestPostgres } from "../../support/open-test-database.ts";
import {
  LOCAL_KEY,
  type Reply,
  readReply,
  type StartedGateway,
  startGateway,
  UNLIMITED,
} from "../../support/start-gateway.ts";
import { AUDIENCE, type StartedIssuer, startIssuer } from "../../support/start-issuer.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { type TwoPersonPolicy, twoPersonPolicy } from "../../support/two-person-policy.ts";

/** The caller of a request, with the token's scopes, client and issuer. */
export interface Who {
  readonly subject: string;
  readonly scopes?: readonly Scope[];
  readonly client?: string;
  /** Signs the token by the second of the two issuers. */
  readonly elsewhere?: boolean;
}

/** The scopes that changes and approvals need. */
const SCOPES: readonly Scope[] = ["cam.mfa:read", "cam.mfa:write", "cam.mfa:approve", "cam.audit:read"];

export const ALICE_ASKS: Who = { subject: "alice" };
export const BOB_ASKS: Who = { subject: "bob" };
export const CAROL_ASKS: Who = { subject: "carol" };

export interface ApprovalWorld {
  /** Two replicas with one database and one emulated CAM. */
  readonly one: StartedGateway;
  readonly two: StartedGateway;
  /** The database as the owner of the schema. The gateways use `roleUrl`, a role with only the documented rights. */
  readonly databaseUrl: string;
  readonly roleUrl: string;
  readonly policy: TwoPersonPolicy;
  readonly issuers: readonly [StartedIssuer, StartedIssuer];
  /** Starts one more replica, with further variables. */
  startReplica(env: Readonly<Record<string, string>>): Promise<StartedGateway>;
  ask(who: Who, query: string, options?: Asking): Promise<Reply>;
}

export interface Asking {
  readonly variables?: object;
  readonly idempotencyKey?: string;
  readonly of?: StartedGateway;
}

export interface WorldOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** The rules of the policy before the rule that needs approval. */
  readonly rules?: readonly object[];
}

/** Starts two gateways in server mode with two token issuers and a policy that needs approval for some users. */
export async function startApprovalWorld(
  opUins: readonly string[],
  { env = {}, rules = [] }: WorldOptions = {},
): Promise<ApprovalWorld> {
  const issuers = [await startIssuer(), await startIssuer()] as const;
  const policy = await twoPersonPolicy(opUins, rules);
  const databaseUrl = await createTestPostgres();
  const roleUrl = await createGatewayRole(databaseUrl);
  const file = await (await temporaryFolder()).write(
    "issuers.json",
    JSON.stringify({
      issuers: issuers.map(({ url, jwksUrl }) => ({ issuer: url, jwksUrl, audience: AUDIENCE })),
    }),
  );
  const shared = {
    ...UNLIMITED.env,
    CALLER_RATE_PER_SECOND: "0",
    // Unsets the issuer of the usual test gateway.
    ...{ AUTH_ISSUER: "", AUTH_JWKS_URL: "", AUTH_JWKS_FILE: "", AUTH_AUDIENCE: "", AUTH_ISSUERS_FILE: file },
    ...policy.env,
    DATABASE_URL: roleUrl,
    ...env,
  };
  let camUrl = "";
  const one = await startGateway({
    callers: "proved",
    emulator: UNLIMITED.emulator,
    env: { ...shared, REPLICA: "one" },
    between: async (url) => {
      camUrl = url;
      return url;
    },
  });
  const startReplica = (more: Readonly<Record<string, string>>): Promise<StartedGateway> =>
    startGateway({ callers: "proved", env: { ...shared, ...LOCAL_KEY, CAM_ENDPOINT: camUrl, ...more } });
  const two = await startReplica({ REPLICA: "two" });
  return {
    ...{ one, two, databaseUrl, roleUrl, policy, issuers, startReplica },
    ask: async ({ subject, scopes = SCOPES, client, elsewhere }, query, options = {}) => {
      const { variables = {}, idempotencyKey, of = one } = options;
      const claims = {
        sub: subject,
        scope: scopes.join(" "),
        ...(client === undefined ? {} : { azp: client }),
      };
      const token = await issuers[elsewhere ? 1 : 0].sign({ claims });
      const request = of.http.post("/graphql").set("authorization", `Bearer ${token}`);
      if (idempotencyKey !== undefined) void request.set("idempotency-key", idempotencyKey);
      return readReply(await request.send({ query, variables }));
    },
  };
}

/** Returns the value of an operation's first field, or the code of its error. */
export function outcomeOf({ data, errors }: Reply): unknown {
  const [error] = errors;
  if (error !== undefined) return error.extensions["code"];
  return Object.values(data ?? {})[0];
}

/** Returns the change id that the first error of a reply names. */
export function changeIdOf({ errors }: Reply): string {
  const id = errors[0]?.extensions["changeId"];
  if (typeof id !== "string") throw new Error(`No change id in ${JSON.stringify(errors)}.`);
  return id;
}
