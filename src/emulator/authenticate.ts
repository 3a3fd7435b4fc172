import type { Account } from "./account.ts";
import { PRODUCTS } from "./actions/find-action.ts";
import { refusals } from "./cam-refusals.ts";
import type { AccessKey } from "./seed.ts";
import type { SignatureMismatch } from "./signature/signature-mismatch.ts";
import { equalInConstantTime } from "./signature/signature-mismatch.ts";
import { verifyTc3 } from "./signature/verify-tc3.ts";
import { verifyV1 } from "./signature/verify-v1.ts";
import type { ApiCall } from "./wire/api-call.ts";
import type { ReceivedRequest } from "./wire/received-request.ts";

const MAX_SKEW_MS = 300_000;

interface Authentication {
  account: Account;
  nowMs: number;
  onMismatch(mismatch: SignatureMismatch): void;
}

/**
 * Checks time, key, signature and token, in this order. Returns the caller's key, or undefined for a call that declares
 * itself unsigned. Throws AuthFailure.*.
 */
export function authenticate(
  call: ApiCall,
  request: ReceivedRequest,
  deps: Authentication,
): AccessKey | undefined {
  if (Math.abs(deps.nowMs - call.timestamp * 1000) > MAX_SKEW_MS) throw refusals.signatureExpired();
  if (call.proof.scheme === "SKIP") return undefined;
  if (!/^AKID[0-9A-Za-z_-]+$/.test(call.secretId)) throw refusals.invalidSecretId();
  const key = deps.account.key(call.secretId);
  if (!key || key.disabled) throw refusals.secretIdNotFound();
  const mismatch =
    call.proof.scheme === "TC3-HMAC-SHA256"
      ? verifyTc3(request, call.proof.authorization, key.secretKey, PRODUCTS)
      : verifyV1(request, call.proof, key.secretKey);
  if (mismatch) {
    deps.onMismatch(mismatch);
    throw refusals.signatureFailure();
  }
  refuseToken(key, call.token, deps.nowMs);
  return key;
}

/** A temporary key needs its token; a permanent key must not have one. */
function refuseToken(key: AccessKey, token: string | undefined, nowMs: number): void {
  if (!equalInConstantTime(token ?? "", key.token ?? "")) throw refusals.tokenFailure();
  if (key.expiresAt !== null && Date.parse(key.expiresAt) <= nowMs) throw refusals.tokenFailure();
}
