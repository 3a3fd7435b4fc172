import type { Secret } from "../../secret.ts";
import type { Credential } from "../credentials/credential.ts";
import { parseStsCredentials } from "../credentials/temporary-credential.ts";
import type { RoleSession } from "./assume-role.ts";
import { type CamAction, STS_VERSION } from "./cam-action.ts";

export interface WebIdentitySession extends Omit<RoleSession, "externalId"> {
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
