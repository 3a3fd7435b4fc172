import type { Uin } from "../../contract/index.ts";
import { exactInteger } from "../transport/exact-json.ts";
import { CAM_VERSION, type CamAction } from "./cam-action.ts";

/**
 * The writable half of a protection. All three are always sent: CAM does not document what an omitted integer
 * inside a block means.
 */
export interface MfaFlagBlock {
  readonly phone: boolean;
  readonly stoken: boolean;
  readonly wechat: boolean;
}

export interface SetMfaFlagInput {
  readonly opUin: Uin;
  /** LoginFlag. A block left out is not sent, and CAM leaves that protection as it is. */
  readonly login?: MfaFlagBlock;
  /** ActionFlag. */
  readonly action?: MfaFlagBlock;
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
      LoginFlag: login && serializeBlock(login),
      ActionFlag: action && serializeBlock(action),
    }),
  parse: () => undefined,
};

function serializeBlock(block: MfaFlagBlock): Readonly<Record<"Phone" | "Stoken" | "Wechat", 0 | 1>> {
  return { Phone: block.phone ? 1 : 0, Stoken: block.stoken ? 1 : 0, Wechat: block.wechat ? 1 : 0 };
}
