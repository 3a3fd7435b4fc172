import { refusals } from "../cam-refusals.ts";
import type { User } from "../seed.ts";
import type { SignedAction } from "./action-definition.ts";

/** Returns one user by name. The vendor's API takes no Uin. */
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
        ...userFields(user),
        RecentlyLoginIP: user.lastLoginIp,
        RecentlyLoginTime: user.lastLoginTime,
      },
    };
  },
};

/** Returns the fields that GetUser and the lists share. */
export function userFields(user: User) {
  return {
    Uin: BigInt(user.uin),
    Name: user.name,
    Uid: user.uid,
    Remark: user.remark,
    ConsoleLogin: user.consoleLogin ? 1 : 0,
    PhoneNum: user.phone ?? "",
    CountryCode: user.countryCode,
    Email: user.email,
  };
}

const MAX_UINS = 50;

/** Returns the profiles of up to 50 users: https://www.tencentcloud.com/document/product/598/39986 */
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

/** Sorts the largest Uin first. The vendor promises no order, so clients must not rely on the order they asked in. */
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
