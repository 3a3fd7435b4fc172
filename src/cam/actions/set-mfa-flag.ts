import type { Uin } from "../../contract/index.ts";
import { exactInteger } from "../transport/exact-json.ts";
import { CAM_VERSION, type CamAction } from "./cam-action.ts";

/**
 * The writable methods of a protection. The gateway always sends all three, because CAM does not document the meaning
 * of an omitted integer inside a flag set.
 */
export interface MfaFlagSet {
  readonly phone: boolean;
  readonly stoken: boolean;
  readonly wechat: boolean;
}

export interface SetMfaFlagInput {
  readonly opUin: Uin;
  /** LoginFlag. If it is undefined, the gateway does not send it, and CAM does not change that protection. */
  readonly login?: MfaFlagSet;
  /** ActionFlag. */
  readonly action?: MfaFlagSet;
}

/**
 * Sets the protections of one sub-user to absolute values. The reply has only a RequestId.
 * https://www.tencentcloud.com/document/product/598/36305
 */
export const setMfaFlag: CamAction<SetMfaFlagInput, void> = {
  name: "SetMfaFlag",
  version: CAM_VERSION,
  service: "cam",
  access: "write",
  userOf: ({ opUin }) => opUin,
  serialize: ({ opUin, login, action }) =>
    JSON.stringify({
      OpUin: exactInteger(opUin),
      LoginFlag: login && serializeFlagSet(login),
      ActionFlag: action && serializeFlagSet(action),
    }),
  parse: () => undefined,
};

function serializeFlagSet(flagSet: MfaFlagSet): Readonly<Record<"Phone" | "Stoken" | "Wechat", 0 | 1>> {
  return { Phone: flagSet.phone ? 1 : 0, Stoken: flagSet.stoken ? 1 : 0, Wechat: flagSet.wechat ? 1 : 0 };
}
