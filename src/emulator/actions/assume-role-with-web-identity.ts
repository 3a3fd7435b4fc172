import { expiryOf, temporaryCredentials } from "../keys/temporary-credentials.ts";
import { refuseWebIdentity } from "../keys/web-identity-token.ts";
import { refusals } from "../refusals.ts";
import type { UnsignedAction } from "./action-definition.ts";
import { permittedRole, readSessionParameters } from "./session-parameters.ts";

/**
 * https://cloud.tencent.com/document/product/1312/73070: a temporary key for whoever has a token of an OIDC provider
 * that the role trusts. The call itself carries no key: its Authorization is `SKIP`.
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
