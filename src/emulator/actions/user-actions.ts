import type { User } from "../account/seed.ts";
import { refusals } from "../cam-refusals.ts";
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

const MAX_UINS = 50;

/** https://www.tencentcloud.com/document/product/598/39986: profiles of up to 50 users. */
export const describeSubAccounts: SignedAction = {
  name: "DescribeSubAccounts",
  product: "cam",
  version: "2019-01-16",
  uinParameter: "FilterSubAccountUin",
  run(reader, { account }) {
    const uins = reader.required("FilterSubAccountUin", reader.uint64List("FilterSubAccountUin"));
    reader.finish();
    if (uins.length === 0 || uins.length > MAX_UINS) {
      throw refusals.invalidParameter(
        `\`FilterSubAccountUin\` takes 1 to ${MAX_UINS} values, not ${uins.length}.`,
      );
    }
    const found = [...new Set(uins)].flatMap((uin) => account.user(uin.toString()) ?? []);
    return { applied: false, response: { SubAccounts: found.sort(largestFirst).map(profile) } };
  },
};

/** The vendor promises no order and leaves unknown users out; an order of our own keeps clients from relying on theirs. */
function largestFirst(one: User, other: User): number {
  return BigInt(one.uin) > BigInt(other.uin) ? -1 : 1;
}

function profile(user: User): Record<string, unknown> {
  return {
    Uin: BigInt(user.uin),
    Name: user.name,
    Uid: user.uid,
    Remark: user.remark,
    CreateTime: user.createTime,
    UserType: user.userType,
    LastLoginIp: user.lastLoginIp,
    LastLoginTime: user.lastLoginTime,
  };
}
