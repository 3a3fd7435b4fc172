import { z } from "zod";
import type { Uin } from "../../contract/index.ts";
import { exactInteger } from "../transport/exact-json.ts";
import { CAM_VERSION, type CamAction, wireFlag } from "./cam-action.ts";

/** The methods of one protection. Undefined means that CAM did not report the method, not that the method is off. */
export interface MfaFlagState {
  readonly phone: boolean | undefined;
  readonly token: boolean | undefined;
  readonly stoken: boolean | undefined;
  readonly wechat: boolean | undefined;
  readonly custom: boolean | undefined;
  readonly mail: boolean | undefined;
  readonly u2fToken: boolean | undefined;
  readonly passkey: boolean | undefined;
}

export interface SafeAuthFlags {
  readonly login: MfaFlagState;
  readonly action: MfaFlagState;
}

const flagState = z
  .object({
    Phone: wireFlag,
    Token: wireFlag,
    Stoken: wireFlag,
    Wechat: wireFlag,
    Custom: wireFlag,
    Mail: wireFlag,
    U2FToken: wireFlag,
    Passkey: wireFlag,
  })
  .transform(
    (flags): MfaFlagState => ({
      phone: flags.Phone,
      token: flags.Token,
      stoken: flags.Stoken,
      wechat: flags.Wechat,
      custom: flags.Custom,
      mail: flags.Mail,
      u2fToken: flags.U2FToken,
      passkey: flags.Passkey,
    }),
  );

const responseSchema = z.object({ LoginFlag: flagState, ActionFlag: flagState });

/**
 * Reads the protections of one sub-user. CAM has no batch form. https://www.tencentcloud.com/document/product/598/38353
 */
export const describeSafeAuthFlagColl: CamAction<{ readonly subUin: Uin }, SafeAuthFlags> = {
  name: "DescribeSafeAuthFlagColl",
  version: CAM_VERSION,
  service: "cam",
  access: "read",
  userOf: ({ subUin }) => subUin,
  serialize: ({ subUin }) => JSON.stringify({ SubUin: exactInteger(subUin) }),
  parse: (response) => {
    const { LoginFlag, ActionFlag } = responseSchema.parse(response);
    return { login: LoginFlag, action: ActionFlag };
  },
};
