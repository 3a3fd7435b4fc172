import type { User } from "../account/seed-schema.ts";
import { refusals } from "../refusals.ts";
import type { SignedAction } from "./action-definition.ts";

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
