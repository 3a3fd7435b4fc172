import { CAM_ERROR_CATALOGUE, type CamErrorCode } from "../../../src/contract/index.ts";
import type { FaultInput, UserInput } from "../../../src/emulator/index.ts";
import { PROVE_NOTHING } from "../../contract/cam-codes.ts";
import type { Change } from "../../support/error-channels.ts";
import type { StartedGateway } from "../../support/start-gateway.ts";
import { startExpired, startForTwo, startPaused, startWithdrawn } from "./start-guarded.ts";
import { startHeldReplicas } from "./start-held-replicas.ts";
import {
  startForReaders,
  startForTheKnown,
  startInterrupted,
  startProtecting,
  startWithUsedKeys,
} from "./start-refusing.ts";
import {
  startImpatient,
  startKeyless,
  startThrottled,
  startUnreachable,
  startWithOpenCircuit,
  startWithoutRecords,
  startWithoutSlots,
} from "./start-troubled.ts";

/** A gateway that answers changes of some users by an error. */
export interface StartedCase extends StartedGateway {
  /** The headers of a client that a router forwards. */
  readonly headersOf?: (user: string) => Readonly<Record<string, string>>;
}

/** An error and the way to cause it. */
export interface ErrorCase {
  readonly name: string;
  readonly code: CamErrorCode;
  /** CAM's own code, if CAM refuses. */
  readonly camCode?: string;
  readonly change?: Omit<Change, "opUin">;
  /** The fields of the user; null for an unknown user. */
  readonly user?: Partial<UserInput> | null;
  /** The fault in CAM's answers about the user. */
  readonly fault?: FaultInput;
  /** Starts a separate gateway for these users. Without it, the case shares a healthy gateway with others. */
  readonly start?: (users: readonly string[]) => Promise<StartedCase>;
  /** The number of routers in front of each separate gateway. All by default. */
  readonly routersEach?: number;
  /** Whether the case waits for seconds. Cases that wait run together. */
  readonly waits?: boolean;
}

const PHONE = { login: { phone: true } };

/** The codes of SetMfaFlag's page, caused as in CAM. */
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

/** Answers the write by the code, or the read before it if the code leaves a write's outcome unknown. */
function refusal(camCode: string, code: CamErrorCode): ErrorCase {
  const provesNothing = PROVE_NOTHING.has(camCode) || code === "CAM_UNKNOWN_ERROR";
  const action = provesNothing ? "DescribeSafeAuthFlagColl" : "SetMfaFlag";
  return { name: camCode, code, camCode, fault: { kind: "camError", code: camCode, action } };
}

/** A throttle makes a gateway retry for a long time, so this case has its own gateway below. */
const THROTTLES = "CAM_RATE_LIMITED";

/** All other codes that CAM's answers lead to, each caused by the first of its CAM codes. */
const answers = CAM_ERROR_CATALOGUE.filter(({ code }) => code !== THROTTLES).flatMap(({ code, camCodes }) =>
  business.some((each) => each.code === code)
    ? []
    : camCodes.slice(0, 1).map((first) => refusal(first, code)),
);

const others: readonly ErrorCase[] = [
  // Codes that the gateway does not map by their family.
  refusal("AuthFailure.SecretIdNotFound", "CAM_CREDENTIALS_REJECTED"),
  refusal("AuthFailure.SignatureFailure", "CAM_CREDENTIALS_REJECTED"),
  refusal("AuthFailure.UnauthorizedOperation", "CAM_PERMISSION_DENIED"),
  refusal("Brand.New", "CAM_UNKNOWN_ERROR"),
  {
    name: "RequestLimitExceeded",
    code: THROTTLES,
    camCode: "RequestLimitExceeded",
    start: startThrottled,
    waits: true,
    routersEach: 3,
  },
  { name: "no such account", code: "UNKNOWN_ACCOUNT", change: { ...PHONE, account: "No such account" } },
  { name: "nothing to change", code: "NOTHING_TO_CHANGE", change: { login: {} } },
  {
    name: "a method that cannot be written",
    code: "MFA_METHOD_NOT_WRITABLE",
    user: { loginFlag: { U2FToken: 1 } },
  },
  {
    name: "a last method, for no reason",
    code: "REASON_REQUIRED",
    change: { login: { phone: false } },
    user: { loginFlag: { Phone: 1, Stoken: 0 } },
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
    waits: true,
  },
  { name: "no way to CAM", code: "CAM_UNREACHABLE", start: startUnreachable, waits: true },
  { name: "too many in line", code: "QUOTA_EXHAUSTED", start: startWithoutSlots },
  {
    name: "another change under way",
    code: "CHANGE_IN_PROGRESS",
    change: { login: { wechat: true } },
    start: startHeldReplicas,
    waits: true,
  },
];

const ofCallers: readonly ErrorCase[] = [
  { name: "no token", code: "UNAUTHENTICATED", start: startForTheKnown },
  { name: "no scope", code: "FORBIDDEN", start: startForReaders },
  { name: "a protected user", code: "PROTECTED_USER", start: startProtecting },
  { name: "a key of another change", code: "IDEMPOTENCY_KEY_REUSED", start: startWithUsedKeys },
];

const ofTheGuardRails: readonly ErrorCase[] = [
  { name: "a change for two people", code: "APPROVAL_REQUIRED", start: startForTwo },
  { name: "a change that was withdrawn, repeated", code: "APPROVAL_REJECTED", start: startWithdrawn },
  { name: "a change that expired, repeated", code: "APPROVAL_EXPIRED", start: startExpired },
  { name: "too many users changed", code: "CALLER_PAUSED", start: startPaused },
];

const ofTheGateway: readonly ErrorCase[] = [
  { name: "no key for CAM", code: "CAM_CREDENTIALS_UNAVAILABLE", start: startKeyless },
  { name: "a pause for CAM", code: "CAM_CIRCUIT_OPEN", start: startWithOpenCircuit },
  { name: "no way to the records", code: "STORE_UNAVAILABLE", start: startWithoutRecords },
  {
    name: "an interrupted change, repeated",
    code: "CHANGE_NOT_APPLIED",
    start: startInterrupted,
  },
];

/** Codes that a change never has. */
export const CODES_WITHOUT_A_CASE: readonly CamErrorCode[] = [
  // The gateway refuses before it reads the operation, so no field can return the error as data.
  "CALLER_RATE_LIMITED",
  "ISSUER_UNAVAILABLE",
  // These concern a decision about a change or a rollout: other-operations.test.ts.
  "APPROVAL_NOT_AWAITED",
  "CHANGE_NOT_FOUND",
  "PLAN_CHANGED",
  "ROLLOUT_NOT_FOUND",
  "ROLLOUT_SELECTION",
  "ROLLOUT_STATUS",
  "USERS_IN_OTHER_ROLLOUT",
  // An unexpected failure, which is not a business error.
  "INTERNAL",
];

export const ERROR_CASES = [
  ...business,
  ...answers,
  ...others,
  ...ofCallers,
  ...ofTheGuardRails,
  ...ofTheGateway,
].map((errorCase) => ({ change: PHONE, ...errorCase }));

/** Cases with an immediate answer. */
export const PROMPT_CASES = ERROR_CASES.filter(({ waits }) => !waits);
/** Cases that end at a deadline. They run together. */
export const SLOW_CASES = [
  ERROR_CASES.filter(({ waits, routersEach }) => waits && routersEach !== undefined),
  ERROR_CASES.filter(({ waits, routersEach }) => waits && routersEach === undefined),
].map((cases) => ({ names: cases.map(({ name }) => name).join(", "), cases }));
