import type { ActionDefinition } from "./action-definition.ts";

/** https://www.tencentcloud.com/document/product/1150/49453: whose key this is. Its Uins are strings. */
export const getCallerIdentity: ActionDefinition = {
  name: "GetCallerIdentity",
  product: "sts",
  version: "2018-08-13",
  run(reader, { account, key }) {
    reader.finish();
    return {
      applied: false,
      response: {
        Arn: `qcs::cam:${account.ownerUin}:uin/${key.uin}`,
        AccountId: account.ownerUin,
        UserId: key.uin,
        PrincipalId: key.uin,
        Type: "CAMUser",
      },
    };
  },
};
