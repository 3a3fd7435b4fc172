import type { CamErrorCode } from "../../../src/contract/index.ts";
import type { FaultInput, UserInput } from "../../../src/emulator/index.ts";
import type { Change } from "../../support/error-channels.ts";
import type { StartedGateway } from "../../support/start-gateway.ts";
import { startBusyReplicas } from "./start-busy-replicas.ts";
import { startHeldReplicas } from "./start-held-replicas.ts";
import { startImpatient, startThrottled, startUnreachable } from "./start-troubled.ts";

/** One error, and how it is brought about. */
export interface ErrorCase {
  readonly name: string;
  readonly code: CamErrorCode;
  /** CAM's own code, where it is CAM that refuses. */
  readonly camCode?: string;
  readonly change?: Omit<Change, "opUin">;
  /** What the user is like. Null: there is no such user. */
  readonly user?: Partial<UserInput> | null;
  /** What befalls the calls about the user. */
  readonly fault?: FaultInput;
  /** A gateway of its own, for these users. Otherwise a sound one answers, which all such cases share. */
  readonly start?: (users: readonly string[]) => Promise<StartedGateway>;
  /** How many routers may stand before each of them; all, unless said. */
  readonly routersEach?: number;
}

const PHONE = { login: { phone: true } };

/** The codes that SetMfaFlag's page names, brought about as CAM does it. */
const business: readonly ErrorCase[] = [
  {
    name: "FailedOperation.UserNotBindPhone",
    code: "USER_NOT_BIND_PHONE",
    camCode: "FailedOperation.UserNotBindPhone",
    user: { phone: null },
  },
  {
    name: "FailedOperation.UserNotBindWechat",
    code: "USER_NOT_BIND_WECHAT",
    camCode: "FailedOperation.UserNotBindWechat",
    change: { action: { wechat: true } },
    user: { wechatBound: false },
  },
  {
    name: "FailedOperation.UserUnbindNoPermission",
    code: "USER_UNBIND_NO_PERMISSION",
    camCode: "FailedOperation.UserUnbindNoPermission",
    user: { writeError: { code: "FailedOperation.UserUnbindNoPermission" } },
  },
  {
    name: "InvalidParameter.MFATokenError",
    code: "MFA_TOKEN_ERROR",
    camCode: "InvalidParameter.MFATokenError",
    user: { writeError: { code: "InvalidParameter.MFATokenError" } },
  },
  {
    name: "InvalidParameter.UserNotExist",
    code: "USER_NOT_EXIST",
    camCode: "InvalidParameter.UserNotExist",
    user: { writeError: { code: "InvalidParameter.UserNotExist" } },
  },
  {
    name: "ResourceNotFound.UserNotExist",
    code: "USER_NOT_EXIST",
    camCode: "ResourceNotFound.UserNotExist",
    user: null,
  },
];

function refusal(camCode: string, code: CamErrorCode): ErrorCase {
  return { name: camCode, code, camCode, fault: { kind: "camError", code: camCode, action: "SetMfaFlag" } };
}

/** At least one of every other category. */
const others: readonly ErrorCase[] = [
  refusal("AuthFailure.MFAFailure", "CAM_MFA_REQUIRED"),
  refusal("AuthFailure.SecretIdNotFound", "CAM_CREDENTIALS_REJECTED"),
  refusal("AuthFailure.SignatureFailure", "CAM_CREDENTIALS_REJECTED"),
  refusal("AuthFailure.UnauthorizedOperation", "CAM_PERMISSION_DENIED"),
  refusal("UnauthorizedOperation", "CAM_PERMISSION_DENIED"),
  refusal("InvalidParameterValue", "CAM_INVALID_PARAMETER"),
  refusal("FailedOperation", "CAM_FAILED_OPERATION"),
  refusal("InternalError", "CAM_UNAVAILABLE"),
  refusal("Brand.New", "CAM_UNKNOWN_ERROR"),
  {
    name: "RequestLimitExceeded",
    code: "CAM_RATE_LIMITED",
    camCode: "RequestLimitExceeded",
    start: startThrottled,
    routersEach: 3,
  },
  { name: "nothing to change", code: "NOTHING_TO_CHANGE", change: { login: {} } },
  {
    name: "a method that cannot be written",
    code: "MFA_METHOD_NOT_WRITABLE",
    user: { loginFlag: { U2FToken: 1 } },
  },
  { name: "a spoilt reply", code: "CAM_BAD_RESPONSE", user: { unreportedMethods: ["Wechat"] } },
  {
    name: "a lost reply that cannot be read back",
    code: "OUTCOME_UNKNOWN",
    fault: { kind: "cutBefore", action: "SetMfaFlag" },
  },
  {
    name: "silence",
    code: "CAM_TIMEOUT",
    fault: { kind: "silence", action: "DescribeSafeAuthFlagColl" },
    start: startImpatient,
  },
  { name: "no way to CAM", code: "CAM_UNREACHABLE", start: startUnreachable },
  { name: "too many in line", code: "QUOTA_EXHAUSTED", start: startBusyReplicas },
  {
    name: "another change under way",
    code: "CHANGE_IN_PROGRESS",
    change: { login: { wechat: true } },
    start: startHeldReplicas,
  },
];

export const ERROR_CASES = [...business, ...others].map((errorCase) => ({ change: PHONE, ...errorCase }));

/** Answered by the one gateway. */
export const PROMPT_CASES = ERROR_CASES.filter(({ start }) => start === undefined);
/** Answered when a gateway has given up waiting: cases that can be waited for together. */
export const SLOW_CASES = [
  ERROR_CASES.filter(({ routersEach }) => routersEach !== undefined),
  ERROR_CASES.filter(({ start, routersEach }) => start !== undefined && routersEach === undefined),
].map((cases) => ({ names: cases.map(({ name }) => name).join(", "), cases }));
