import { type ProtectionFlags, READ_METHODS } from "../account/protection-flags.ts";
import type { User } from "../account/seed-schema.ts";
import { refusals } from "../refusals.ts";
import type { SignedAction } from "./action-definition.ts";

/** https://www.tencentcloud.com/document/product/598/38353: one user's protections; there is no batch. */
export const describeSafeAuthFlagColl: SignedAction = {
  name: "DescribeSafeAuthFlagColl",
  product: "cam",
  version: "2019-01-16",
  uinParameter: "SubUin",
  run(reader, { account, readLagMs }) {
    const uin = reader.required("SubUin", reader.uint64("SubUin")).toString();
    reader.finish();
    const user = account.user(uin);
    const flags = account.flagsAgo(uin, readLagMs);
    if (!user || !flags) throw refusals.userNotFound();
    return {
      applied: false,
      response: {
        LoginFlag: reported(flags.loginFlag, user),
        ActionFlag: reported(flags.actionFlag, user),
        OffsiteFlag: { VerifyFlag: 0, NotifyPhone: 0, NotifyEmail: 0, NotifyWechat: 0, Tips: 0 },
        PromptTrust: 0,
      },
    };
  },
};

function reported(flags: ProtectionFlags, user: User): Partial<ProtectionFlags> {
  const methods = READ_METHODS.filter((method) => !user.unreportedMethods.includes(method));
  return Object.fromEntries(methods.map((method) => [method, flags[method]]));
}
