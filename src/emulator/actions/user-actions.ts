import { createHash } from "node:crypto";
import { refusals } from "../cam-refusals.ts";
import type { User } from "../seed.ts";
import type { ListOddity, SignedAction } from "./action-definition.ts";

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
function userFields(user: User) {
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

/** Lists all sub-users of the account, without paging: https://www.tencentcloud.com/document/product/598/32256 */
export const listUsers: SignedAction = {
  name: "ListUsers",
  product: "cam",
  version: "2019-01-16",
  run(reader, { account, listOddity }) {
    reader.finish();
    const data = withOddity(account.users().map(listedUser), listOddity);
    return { applied: false, response: { Data: data } };
  },
};

function listedUser(user: User) {
  return { ...userFields(user), CreateTime: user.createTime, NickName: user.nickName };
}

const MAX_ITEMS = 100;

/** The vendor's words for the user types of a seed. */
const USER_TYPES = { 2: "SubUser", 3: "WechatCorpUser", 4: "Collaborator", 5: "MessageReceiver" } as const;

/**
 * Lists users of all types by pages of at most 100, with masked phone numbers and addresses. Only the mainland site has
 * it: https://cloud.tencent.com/document/api/598/133082
 */
export const listAccounts: SignedAction = {
  name: "ListAccounts",
  product: "cam",
  version: "2019-01-16",
  run(reader, { account, listOddity }) {
    const size = Number(reader.uint64("MaxItems") ?? MAX_ITEMS);
    const marker = reader.text("Marker");
    const type = reader.text("UserType");
    reader.finish();
    if (size < 1 || size > MAX_ITEMS) throw refusals.parameterValue("MaxItems");
    const typeOf = (user: User) => USER_TYPES[user.userType as keyof typeof USER_TYPES];
    const users = account.users().filter((user) => type === undefined || typeOf(user) === type);
    const start = marker === undefined ? 0 : users.findIndex(({ uin }) => markerOf(uin) === marker) + 1;
    if (marker !== undefined && start === 0) throw refusals.parameterValue("Marker");
    const page = users.slice(start, start + size);
    const isTruncated = start + page.length < users.length;
    const listed = page.map((user) => ({
      ...listedUser(user),
      PhoneNum: masked(user.phone ?? ""),
      Email: masked(user.email),
      UserType: typeOf(user),
    }));
    return {
      applied: false,
      response: {
        Users: withOddity(listed, listOddity),
        IsTruncated: isTruncated,
        Marker: isTruncated ? markerOf(page.at(-1)?.uin ?? "") : "",
      },
    };
  },
};

/** Returns the opaque marker of a page that ends with a user. */
function markerOf(uin: string): string {
  return createHash("sha256").update(uin).digest("base64url");
}

function masked(text: string): string {
  return text && `${text.slice(0, 3)}****${text.slice(-2)}`;
}

/** Returns the list with its first user odd, or only the first half of it. */
function withOddity<Listed extends { readonly Uin: bigint; readonly Name: string }>(
  users: readonly Listed[],
  oddity: ListOddity | undefined,
): readonly object[] {
  const [first, ...rest] = users;
  if (oddity === undefined || first === undefined) return users;
  if (oddity === "half") return users.slice(0, Math.ceil(users.length / 2));
  if (oddity === "repeated") return [first, ...users];
  if (oddity === "zeroUin") return [{ ...first, Uin: 0n }, ...rest];
  const { Name: _name, ...nameless } = first;
  return [nameless, ...rest];
}
