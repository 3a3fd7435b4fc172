import { expiryOf, temporaryCredentials } from "../keys/temporary-credentials.ts";
import { refusals } from "../refusals.ts";
import type { SignedAction } from "./action-definition.ts";
import { permittedRole, readSessionParameters } from "./session-parameters.ts";

/** https://www.tencentcloud.com/document/product/1150/49456: a temporary key of a role that trusts the caller. */
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
      throw refusals.unauthorized("The role asks for another ExternalId.");
    }
    const { session, seconds } = parameters;
    const issuedTo = key.session === null ? key.uin : key.issuedTo;
    const issued = issuer.issue({ role, session, issuedTo, durationSeconds: Number(seconds), nowMs });
    return { applied: false, response: { Credentials: temporaryCredentials(issued), ...expiryOf(issued) } };
  },
};
