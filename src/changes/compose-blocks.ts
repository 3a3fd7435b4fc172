import type { Protection } from "../auth/policy/switch.ts";
import type { MfaFlagBlock, MfaFlagState, SafeAuthFlags, SetMfaFlagInput } from "../cam/index.ts";
import { GatewayError, type Uin } from "../contract/index.ts";
import type { MfaChangeRequest, MfaMethods } from "./mfa-change.ts";

const WRITABLE = ["phone", "stoken", "wechat"] as const;

/** CAM reports these, and SetMfaFlag cannot express them. */
const NOT_WRITABLE = ["token", "custom", "mail", "u2fToken", "passkey"] as const;

/** Whether a request names any method at all. */
export function asksForSomething(request: MfaChangeRequest): boolean {
  return namesAMethod(request.login) || namesAMethod(request.action);
}

/**
 * The full blocks to send: what the caller gave, and the rest as it was. A protection that the caller did not
 * name is not sent.
 *
 * @throws GatewayError MFA_METHOD_NOT_WRITABLE where writing would touch a method that a write cannot express.
 * @throws GatewayError CAM_BAD_RESPONSE where CAM did not say what to keep; guessing could switch it off.
 */
export function composeBlocks(request: MfaChangeRequest, before: SafeAuthFlags): SetMfaFlagInput {
  const login = composeBlock("login", request, before.login);
  const action = composeBlock("action", request, before.action);
  return { opUin: request.opUin, ...(login && { login }), ...(action && { action }) };
}

function composeBlock(
  protection: Protection,
  request: MfaChangeRequest,
  before: MfaFlagState,
): MfaFlagBlock | undefined {
  const wanted = request[protection];
  if (!namesAMethod(wanted)) return undefined;
  const { opUin } = request;
  const inTheWay = NOT_WRITABLE.filter((method) => before[method] === true);
  if (inTheWay.length > 0 && !request.overwriteOtherMethods) {
    throw new GatewayError("MFA_METHOD_NOT_WRITABLE", {
      opUin,
      hint: `The ${protection} protection of this user uses ${inTheWay.join(" and ")}.`,
    });
  }
  const keepOrSet = (method: (typeof WRITABLE)[number]): boolean =>
    wanted[method] ?? before[method] ?? failNotSaid(protection, method, opUin);
  return { phone: keepOrSet("phone"), stoken: keepOrSet("stoken"), wechat: keepOrSet("wechat") };
}

function failNotSaid(protection: Protection, method: string, opUin: Uin): never {
  throw new GatewayError("CAM_BAD_RESPONSE", {
    opUin,
    hint: `CAM did not say whether ${method} is on for ${protection}; give all three methods to set them regardless.`,
  });
}

/** Whether a user's state is what the blocks ask for. */
export function matchesBlocks(state: SafeAuthFlags, blocks: SetMfaFlagInput): boolean {
  const matches = (block: MfaFlagBlock | undefined, flags: MfaFlagState): boolean =>
    block === undefined || WRITABLE.every((method) => flags[method] === block[method]);
  return matches(blocks.login, state.login) && matches(blocks.action, state.action);
}

function namesAMethod(methods: MfaMethods | undefined): methods is MfaMethods {
  return methods !== undefined && WRITABLE.some((method) => methods[method] !== undefined);
}
