import type { Protection } from "../auth/policy/policy.ts";
import type { MfaFlagSet, MfaFlagState, SafeAuthFlags, SetMfaFlagInput } from "../cam/index.ts";
import { GatewayError, type Uin } from "../contract/index.ts";
import type { MfaChangeRequest, MfaMethods } from "./mfa-change.ts";

/** The methods that SetMfaFlag can express. */
export const WRITABLE = ["phone", "stoken", "wechat"] as const;

/** The methods that CAM reports and SetMfaFlag cannot express. */
const NOT_WRITABLE = ["token", "custom", "mail", "u2fToken", "passkey"] as const;

/** Whether a request names any method at all. */
export function asksForSomething(request: Pick<MfaChangeRequest, "login" | "action">): boolean {
  return namesAMethod(request.login) || namesAMethod(request.action);
}

/**
 * Returns the full flag sets to send: the caller's values, and the known state of all other methods. Omits a protection
 * that the caller did not name.
 *
 * @param maybe Flag sets of earlier writes that may also be in force. A method that the caller did not give stays on if
 *   one of them has it on.
 * @throws GatewayError MFA_METHOD_NOT_WRITABLE if the write would affect a method that it cannot express.
 * @throws GatewayError CAM_BAD_RESPONSE if CAM did not report a method to keep. A guess could switch it off.
 */
export function composeFlagSets(
  request: MfaChangeRequest,
  known: SafeAuthFlags,
  maybe: readonly Partial<SetMfaFlagInput>[] = [],
): SetMfaFlagInput {
  const login = composeFlagSet("login", request, known, maybe);
  const action = composeFlagSet("action", request, known, maybe);
  return { opUin: request.opUin, ...(login && { login }), ...(action && { action }) };
}

function composeFlagSet(
  protection: Protection,
  request: MfaChangeRequest,
  known: SafeAuthFlags,
  maybe: readonly Partial<SetMfaFlagInput>[],
): MfaFlagSet | undefined {
  const wanted = request[protection];
  if (!namesAMethod(wanted)) return undefined;
  const { opUin } = request;
  const before = known[protection];
  const inTheWay = NOT_WRITABLE.filter((method) => before[method] === true);
  if (inTheWay.length > 0 && !request.overwriteOtherMethods) {
    throw new GatewayError("MFA_METHOD_NOT_WRITABLE", {
      opUin,
      hint: `The ${protection} protection of this user uses ${inTheWay.join(" and ")}.`,
    });
  }
  const keep = (method: (typeof WRITABLE)[number]): boolean =>
    maybe.some((flagSets) => flagSets[protection]?.[method]) ||
    (before[method] ?? failNotSaid(protection, method, opUin));
  const keepOrSet = (method: (typeof WRITABLE)[number]): boolean => wanted[method] ?? keep(method);
  return { phone: keepOrSet("phone"), stoken: keepOrSet("stoken"), wechat: keepOrSet("wechat") };
}

function failNotSaid(protection: Protection, method: string, opUin: Uin): never {
  throw new GatewayError("CAM_BAD_RESPONSE", {
    opUin,
    hint: `CAM did not say whether ${method} is on for ${protection}; give all three methods to set them regardless.`,
  });
}

/** Whether a user's state matches the flag sets. */
export function matchesFlagSets(
  state: Partial<Record<Protection, MfaFlagSet | MfaFlagState>>,
  { login, action }: Partial<SetMfaFlagInput>,
): boolean {
  return (
    (login === undefined || matchesFlagSet(state.login, login)) &&
    (action === undefined || matchesFlagSet(state.action, action))
  );
}

/** Whether the state of one protection matches a flag set. */
export function matchesFlagSet(flags: MfaFlagSet | MfaFlagState | undefined, flagSet: MfaFlagSet): boolean {
  return flags !== undefined && WRITABLE.every((method) => flags[method] === flagSet[method]);
}

/** Both protections, as far as they are known. */
type KnownFlags = Readonly<Record<keyof SafeAuthFlags, Partial<MfaFlagState>>>;

/** Whether two images of a user agree on every method that both know. */
export function mayBeEqual(one: KnownFlags, other: KnownFlags): boolean {
  const agree = (a: Partial<MfaFlagState>, b: Partial<MfaFlagState>): boolean =>
    [...WRITABLE, ...NOT_WRITABLE].every((method) => (a[method] ?? b[method]) === (b[method] ?? a[method]));
  return agree(one.login, other.login) && agree(one.action, other.action);
}

function namesAMethod(methods: MfaMethods | undefined): methods is MfaMethods {
  return methods !== undefined && WRITABLE.some((method) => methods[method] !== undefined);
}

/**
 * Whether the flag sets remove the last method of a user over both protections. A method that CAM did not report counts
 * as one that the user may have. A method that a written flag set cannot express counts as removed, because the write
 * may remove it.
 */
export function turnsOffLastMethod(before: SafeAuthFlags, flagSets: SetMfaFlagInput): boolean {
  const mayHaveOne = mayBeOn(before.login) || mayBeOn(before.action);
  return mayHaveOne && !isOn(flagSets.login ?? before.login) && !isOn(flagSets.action ?? before.action);
}

/** Whether the flag sets leave a protection without any method that had one before. */
export function endsProtection(before: SafeAuthFlags, flagSets: Omit<SetMfaFlagInput, "opUin">): boolean {
  return (["login", "action"] as const).some(
    (protection) => isOn(before[protection]) && !isOn(flagSets[protection] ?? before[protection]),
  );
}

function isOn(flags: MfaFlagSet | MfaFlagState): boolean {
  return Object.values(flags).includes(true);
}

/**
 * Whether a protection may have a method. Ignores unreported methods that a write cannot express: the account has none.
 */
function mayBeOn(flags: MfaFlagState): boolean {
  return isOn(flags) || [flags.phone, flags.stoken, flags.wechat].includes(undefined);
}
