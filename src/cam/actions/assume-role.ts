import type { Secret } from "../../secret.ts";
import type { Credential } from "../credentials/credential.ts";
import { parseStsCredentials } from "../credentials/credential.ts";
import { type CamAction, STS_VERSION } from "./cam-action.ts";

/** Which role, and for how long. */
export interface RoleSession {
  /** `qcs::cam::uin/12345678:roleName/example`, or the form with the role's id. */
  readonly roleArn: string;
  /** What CAM's own audit trail shows beside the role: 2 to 128 letters, digits and any of `+ = , . @ _ -`. */
  readonly sessionName: string;
  /** STS takes 7200 without it, and at most 43200 or what the role allows. */
  readonly durationSeconds?: number;
  /** The word that a partner's role may ask for. */
  readonly externalId?: string;
}

/**
 * STS: a temporary key of a role that trusts the calling key. Nothing is lost by asking twice, so it counts as a read.
 * https://www.tencentcloud.com/document/product/1150/49456
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
 * STS: a temporary key for whoever has a token of an identity provider that the role trusts. There is no key yet, so
 * the call is not signed. https://cloud.tencent.com/document/product/1312/73070
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
