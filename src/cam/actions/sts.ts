import { z } from "zod";
import type { Secret } from "../../secret.ts";
import { type Credential, parseStsCredentials } from "../credentials/credential.ts";
import { type CamAction, STS_VERSION } from "../protocol.ts";

/** The owner of a key. */
export interface KeyOwner {
  /** `CAMUser`, `CAMRole`, `RootAccount`… */
  readonly type: string | undefined;
  /** The account that owns the calling user. STS sends ids as strings. */
  readonly accountId: string | undefined;
  /** The calling user's Uin, or a role's session. */
  readonly principalId: string | undefined;
  readonly arn: string | undefined;
}

const text = z.string().nullish();
const responseSchema = z.object({ Type: text, AccountId: text, PrincipalId: text, Arn: text });

/** Gets the owner of the calling key from STS. This call is the cheapest check of a key, the clock and the network. */
export const getCallerIdentity: CamAction<void, KeyOwner> = {
  name: "GetCallerIdentity",
  version: STS_VERSION,
  service: "sts",
  access: "read",
  serialize: () => "{}",
  parse: (response) => {
    const identity = responseSchema.parse(response);
    return {
      type: identity.Type ?? undefined,
      accountId: identity.AccountId ?? undefined,
      principalId: identity.PrincipalId ?? undefined,
      arn: identity.Arn ?? undefined,
    };
  },
};

/** A role to assume, and the duration of its temporary key. */
export interface RoleSession {
  /** `qcs::cam::uin/12345678:roleName/example`, or the form with the role's id. */
  readonly roleArn: string;
  /** The name that CAM's audit trail shows with the role: 2 to 128 letters, digits and any of `+ = , . @ _ -`. */
  readonly sessionName: string;
  /** Default: 7200. At most 43200, or the limit of the role. */
  readonly durationSeconds?: number;
  /** The external ID that the role of a partner may require. */
  readonly externalId?: string;
}

/**
 * Gets a temporary key of a role that trusts the calling key, from STS. Counts as a read, because repeating it is
 * harmless. https://www.tencentcloud.com/document/product/1150/49456
 */
export const assumeRole: CamAction<RoleSession, Credential> = {
  name: "AssumeRole",
  version: STS_VERSION,
  service: "sts",
  access: "read",
  serialize: ({ roleArn, sessionName, durationSeconds, externalId }) =>
    JSON.stringify({
      RoleArn: roleArn,
      RoleSessionName: sessionName,
      DurationSeconds: durationSeconds,
      ExternalId: externalId,
    }),
  parse: parseStsCredentials,
};

interface WebIdentitySession extends Omit<RoleSession, "externalId"> {
  readonly providerId: string;
  /** The provider's JSON Web Token. */
  readonly token: Secret;
}

/**
 * Gets a temporary key for the token of an identity provider that the role trusts, from STS. The gateway has no key
 * yet, so it does not sign the call. https://cloud.tencent.com/document/product/1312/73070
 */
export const assumeRoleWithWebIdentity: CamAction<WebIdentitySession, Credential> = {
  name: "AssumeRoleWithWebIdentity",
  version: STS_VERSION,
  service: "sts",
  access: "read",
  unsigned: true,
  serialize: ({ roleArn, sessionName, durationSeconds, providerId, token }) =>
    JSON.stringify({
      ProviderId: providerId,
      WebIdentityToken: token.reveal(),
      RoleArn: roleArn,
      RoleSessionName: sessionName,
      DurationSeconds: durationSeconds,
    }),
  parse: parseStsCredentials,
};
