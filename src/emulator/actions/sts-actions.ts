import { z } from "zod";
import type { Account } from "../account.ts";
import { refusals } from "../cam-refusals.ts";
import { expiryOf, temporaryCredentials } from "../key-issuer.ts";
import type { Role } from "../seed.ts";
import type { SignedAction, UnsignedAction } from "./action-definition.ts";
import type { ParameterReader } from "./parameter-reader.ts";

/**
 * Returns the owner of the key: https://www.tencentcloud.com/document/product/1150/49453. Its Uins are strings. PrincipalId is
 * the user that requested a role's key. The page does not define it for unsigned requests; the emulator returns the account.
 */
export const getCallerIdentity: SignedAction = {
  name: "GetCallerIdentity",
  product: "sts",
  version: "2018-08-13",
  run(reader, { account, key }) {
    reader.finish();
    const { uin, session, issuedTo } = key;
    if (session !== null) {
      return {
        applied: false,
        response: {
          Arn: `qcs::sts:${account.ownerUin}:assumed-role/${uin}`,
          AccountId: account.ownerUin,
          UserId: `${uin}:${session}`,
          PrincipalId: issuedTo ?? account.ownerUin,
          Type: "CAMRole",
        },
      };
    }
    return {
      applied: false,
      response: {
        Arn: `qcs::cam:${account.ownerUin}:uin/${uin}`,
        AccountId: account.ownerUin,
        UserId: uin,
        PrincipalId: uin,
        Type: "CAMUser",
      },
    };
  },
};

const DEFAULT_SECONDS = 7_200n;
const SESSION_NAME = /^[\w+=,.@-]{2,128}$/;

interface SessionParameters {
  readonly arn: string;
  readonly session: string;
  readonly seconds: bigint;
}

/** Reads the parameters that both ways of assuming a role share. */
function readSessionParameters(reader: ParameterReader): SessionParameters {
  const arn = reader.required("RoleArn", reader.text("RoleArn"));
  const session = reader.required("RoleSessionName", reader.text("RoleSessionName"));
  const seconds = reader.uint64("DurationSeconds") ?? DEFAULT_SECONDS;
  if (!SESSION_NAME.test(session)) throw refusals.stsParameter("RoleSessionName");
  if (seconds === 0n) throw refusals.stsParameter("DurationSeconds");
  return { arn, session, seconds };
}

/** Returns the named role. Refuses an unknown role and a session longer than the role allows. */
function permittedRole({ arn, seconds }: SessionParameters, account: Account): Role {
  const role = account.roleOfArn(arn);
  if (!role) throw refusals.roleNotFound();
  if (seconds > BigInt(role.maxSessionSeconds)) throw refusals.sessionTooLong();
  return role;
}

/** Issues a temporary key of a role that trusts the caller: https://www.tencentcloud.com/document/product/1150/49456 */
export const assumeRole: SignedAction = {
  name: "AssumeRole",
  product: "sts",
  version: "2018-08-13",
  run(reader, { account, issuer, key, nowMs }) {
    const parameters = readSessionParameters(reader);
    const externalId = reader.text("ExternalId") ?? null;
    reader.finish();

    const role = permittedRole(parameters, account);
    if (!role.trustedUins.includes(key.uin)) {
      throw refusals.unauthorized("The role does not trust the caller.");
    }
    if (role.externalId !== null && role.externalId !== externalId) {
      throw refusals.unauthorized("The role requires another ExternalId.");
    }
    const { session, seconds } = parameters;
    const issuedTo = key.session === null ? key.uin : key.issuedTo;
    const issued = issuer.issue({ role, session, issuedTo, durationSeconds: Number(seconds), nowMs });
    return { applied: false, response: { Credentials: temporaryCredentials(issued), ...expiryOf(issued) } };
  },
};

/**
 * Issues a temporary key for a token of an OIDC provider that the role trusts. The call has no key: its Authorization is
 * `SKIP`. https://cloud.tencent.com/document/product/1312/73070
 */
export const assumeRoleWithWebIdentity: UnsignedAction = {
  name: "AssumeRoleWithWebIdentity",
  product: "sts",
  version: "2018-08-13",
  unsigned: true,
  run(reader, { account, issuer, nowMs }) {
    const parameters = readSessionParameters(reader);
    const providerId = reader.required("ProviderId", reader.text("ProviderId"));
    const token = reader.required("WebIdentityToken", reader.text("WebIdentityToken"));
    reader.finish();

    refuseWebIdentity(token, nowMs);
    const role = permittedRole(parameters, account);
    if (!role.identityProviders.includes(providerId)) {
      throw refusals.unauthorized("The role does not trust the identity provider.");
    }
    const { session, seconds } = parameters;
    const durationSeconds = Number(seconds);
    const issued = issuer.issue({ role, session, issuedTo: null, durationSeconds, nowMs });
    return { applied: false, response: { Credentials: temporaryCredentials(issued), ...expiryOf(issued) } };
  },
};

const headerSchema = z.looseObject({ alg: z.string().regex(/^(RS|ES|PS)\d{3}$/) });
const claimsSchema = z.looseObject({
  iss: z.string().min(1),
  sub: z.string().min(1),
  aud: z.union([z.string(), z.array(z.string()).min(1)]),
  exp: z.number(),
});

/** Checks the form and the expiry of a token. Does not check its signature: the emulator has no provider's keys. */
function refuseWebIdentity(token: string, nowMs: number): void {
  const parts = token.split(".");
  if (parts.length !== 3 || !parts.every((part) => /^[\w-]+$/.test(part))) {
    throw refusals.webIdentityToken("is not a JSON Web Token");
  }
  const [header = "", claims = ""] = parts;
  if (!headerSchema.safeParse(decode(header)).success) {
    throw refusals.webIdentityToken("names no algorithm with a public key");
  }
  const parsed = claimsSchema.safeParse(decode(claims));
  if (!parsed.success) throw refusals.webIdentityToken("lacks iss, sub, aud or exp");
  if (parsed.data.exp * 1000 <= nowMs) throw refusals.webIdentityToken("has expired");
}

function decode(part: string): unknown {
  try {
    return JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
  } catch {
    return undefined;
  }
}
