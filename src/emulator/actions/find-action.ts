import { refusals } from "../cam-refusals.ts";
import { hostLabel } from "../signature/signature-mismatch.ts";
import type { ApiCall } from "../wire/read-call.ts";
import { headerValue, type ReceivedRequest } from "../wire/received-request.ts";
import type { ActionDefinition } from "./action-definition.ts";
import { describeSafeAuthFlagColl, setMfaFlag } from "./mfa-actions.ts";
import { assumeRole, assumeRoleWithWebIdentity, getCallerIdentity } from "./sts-actions.ts";
import { describeSubAccounts, getUser, listAccounts, listUsers } from "./user-actions.ts";

export const ACTIONS: readonly ActionDefinition[] = [
  setMfaFlag,
  describeSafeAuthFlagColl,
  describeSubAccounts,
  listUsers,
  listAccounts,
  getUser,
  getCallerIdentity,
  assumeRole,
  assumeRoleWithWebIdentity,
];

export const PRODUCTS = ["cam", "sts"] as const;

export function actionNamed(name: string): ActionDefinition | undefined {
  return ACTIONS.find((action) => action.name === name);
}

/**
 * Finds the action of a call. The product is the scope's service (TC3) or the first label of the host. Some SDKs send
 * another service; then the product that has such an action.
 */
export function findAction(call: ApiCall, request: ReceivedRequest): ActionDefinition {
  const named = actionNamed(call.action);
  const stated =
    call.proof.scheme === "TC3-HMAC-SHA256"
      ? call.proof.authorization.service
      : hostLabel(headerValue(request, "host") ?? "");
  const product = PRODUCTS.find((known) => known === stated) ?? named?.product;
  const versions = ACTIONS.filter((action) => !product || action.product === product).map(
    (action) => action.version,
  );
  if (!versions.includes(call.version)) throw refusals.noSuchVersion(call.version);
  if (!named || named.product !== product) throw refusals.invalidAction(call.action);
  return named;
}
