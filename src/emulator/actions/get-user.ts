import { refusals } from "../refusals.ts";
import type { SignedAction } from "./action-definition.ts";

/** One user, by name: this API of the vendor's does not take a Uin. */
export const getUser: SignedAction = {
  name: "GetUser",
  product: "cam",
  version: "2019-01-16",
  run(reader, { account }) {
    const name = reader.required("Name", reader.text("Name"));
    reader.finish();
    const user = account.userByName(name);
    if (!user) throw refusals.userNotFound();
    return {
      applied: false,
      response: {
        Uin: BigInt(user.uin),
        Name: user.name,
        Uid: user.uid,
        Remark: user.remark,
        ConsoleLogin: user.consoleLogin ? 1 : 0,
        PhoneNum: user.phone ?? "",
        CountryCode: user.countryCode,
        Email: user.email,
        RecentlyLoginIP: user.lastLoginIp,
        RecentlyLoginTime: user.lastLoginTime,
      },
    };
  },
};
