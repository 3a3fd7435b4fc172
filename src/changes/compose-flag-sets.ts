import type { Protection } from "../auth/policy/policy.ts";
import type { MfaFlagSet, MfaFlagState, SafeAuthFlags, SetMfaFlagInput } from "../cam/index.ts";
import { GatewayError, type Uin } from "../contract/index.ts";
import type { MfaChangeRequest, MfaMethods } from "./mfa-change.ts";

/** The methods that SetMfaFlag can express. */
export const WRITABLE = ["phone", "stoken", "wechat"] as const;

/** CAM reports these, and SetMfaFlag cannot express them. */
const NOT_WRITABLE = ["token", "custom", "mail", "u2fToken", "passkey"] as const;

/** Whether a request names any method at all. */
export function asksForSomething(request: MfaChangeRequest): boolean {
  return namesAMethod(request.login) || namesAMethod(request.action);
}

/**
 * The full flag sets to send: what the caller gave, and the rest as it is known to be. A protection that the caller did not
 * name is not sent.
 *
 * @param maybe Blocks of earlier writes that may be in force as well. A method that the caller did not give is on where
 *   one of them has it on.
 * @throws GatewayError MFA_METHOD_NOT_WRITABLE where writing would touch a method that a write cannot express.
 * @throws GatewayError CAM_BAD_RESPONSE where CAM did not say what to keep; guessing could switch it off.
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

/** Whether a user's state is what the flag sets ask for. */
export function matchesFlagSets(
  state: Partial<Record<Protection, MfaFlagSet | MfaFlagState>>,
  { login, action }: Partial<SetMfaFlagInput>,
): boolean {
  return (
    (login === undefined || matchesFlagSet(state.login, login)) &&
    (action === undefined || matchesFlagSet(state.action, action))
  );
}

/** Whether one protection is as a flag set asks for. */
export function matchesFlagSet(flags: MfaFlagSet | MfaFlagState | undefined, flagSet: MfaFlagSet): boolean {
  return flags !== undefined && WRITABLE.every((method) => flags[method] === flagSet[method]);
}

function namesAMethod(methods: MfaMethods | undefined): methods is MfaMethods {
  return methods !== undefined && WRITABLE.some((method) => methods[method] !== undefined);
}

/**
 * Whether the flag sets leave a user without any method, in both protections, who has one or may have one where CAM
 * did not say. What a written flag set cannot express counts as gone: the write may take it away.
 */
export function turnsOffLastMethod(before: SafeAuthFlags, flagSets: SetMfaFlagInput): boolean {
  const mayHaveOne = mayBeOn(before.login) || mayBeOn(before.action);
  return mayHaveOne && !isOn(flagSets.login ?? before.login) && !isOn(flagSets.action ?? before.action);
}

function isOn(flags: MfaFlagSet | MfaFlagState): boolean {
  return Object.values(flags).includes(true);
}

/** Of the methods that a write cannot express CAM leaves out those that the account does not have. */
function mayBeOn(flags: MfaFlagState): boolean {
  return isOn(flags) || [flags.phone, flags.stoken, flags.wechat].includes(undefined);
}
