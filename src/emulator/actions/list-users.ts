import type { SignedAction } from "./action-definition.ts";

/** https://www.tencentcloud.com/document/product/598/32256: every sub-user of the account, not paged. */
export const listUsers: SignedAction = {
  name: "ListUsers",
  product: "cam",
  version: "2019-01-16",
  run(reader, { account }) {
    reader.finish();
    const data = account.users().map((user) => ({
      Uin: BigInt(user.uin),
      Name: user.name,
      Uid: user.uid,
      Remark: user.remark,
      ConsoleLogin: user.consoleLogin ? 1 : 0,
      PhoneNum: user.phone ?? "",
      CountryCode: user.countryCode,
      Email: user.email,
      CreateTime: user.createTime,
      NickName: user.nickName,
    }));
    return { applied: false, response: { Data: data } };
  },
};
