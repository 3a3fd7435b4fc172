import type { Uin } from "../../contract/index.ts";
import { exactInteger } from "../transport/exact-json.ts";
import { CAM_VERSION, type CamAction } from "./cam-action.ts";

/**
 * The writable half of a protection. All three are always sent: CAM does not document what an omitted integer
 * inside a flag set means.
 */
export interface MfaFlagSet {
  readonly phone: boolean;
  readonly stoken: boolean;
  readonly wechat: boolean;
}

export interface SetMfaFlagInput {
  readonly opUin: Uin;
  /** LoginFlag. A flag set left out is not sent, and CAM leaves that protection as it is. */
  readonly login?: MfaFlagSet;
  /** ActionFlag. */
  readonly action?: MfaFlagSet;
}

/** Sets absolute values and answers with nothing but a RequestId; https://www.tencentcloud.com/document/product/598/36305 */
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
