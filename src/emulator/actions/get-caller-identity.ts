import type { SignedAction } from "./action-definition.ts";

/**
 * https://www.tencentcloud.com/document/product/1150/49453: whose key this is. Its Uins are strings. PrincipalId is who
 * applied for a role's key; the page does not say who that is where nobody signed for it, and here it is the account.
 */
export const getCallerIdentity: SignedAction = {
  name: "GetCallerIdentity",
  product: "sts",
  version: "2018-08-13",
  run(reader, { account, key }) {
    reader.finish();
    const { uin, session, issuedTo } = key;
    if (session !== null) {
      return {
        applied: false,
        response: {
          Arn: `qcs::sts:${account.ownerUin}:assumed-role/${uin}`,
          AccountId: account.ownerUin,
          UserId: `${uin}:${session}`,
          PrincipalId: issuedTo ?? account.ownerUin,
          Type: "CAMRole",
        },
      };
    }
    return {
      applied: false,
      response: {
        Arn: `qcs::cam:${account.ownerUin}:uin/${uin}`,
        AccountId: account.ownerUin,
        UserId: uin,
        PrincipalId: uin,
        Type: "CAMUser",
      },
    };
  },
};
