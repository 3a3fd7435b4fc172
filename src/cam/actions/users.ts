import { z } from "zod";
import { parseUin, type Uin } from "../../contract/index.ts";
import { CAM_VERSION, type CamAction, exactInteger, wireFlag, wireText, wireUin } from "../protocol.ts";

/** A user in a list of CAM. */
export interface ListedUser {
  readonly uin: Uin;
  readonly name: string | undefined;
  readonly remark: string | undefined;
  readonly consoleLogin: boolean | undefined;
  /** `YYYY-MM-DD hh:mm:ss`, as CAM sends it, without a time zone. */
  readonly createTime: string | undefined;
  /** Whether CAM has a phone number. The gateway keeps no numbers and addresses. */
  readonly hasPhone: boolean;
  readonly hasEmail: boolean;
}

interface UserList {
  /** Each user once. */
  readonly users: readonly ListedUser[];
  /** The number of entries without a usable Uin. */
  readonly unusable: number;
}

const entrySchema = z.object({
  Uin: z.union([z.number(), z.bigint(), z.string()]),
  Name: wireText,
  Remark: wireText,
  ConsoleLogin: wireFlag,
  CreateTime: wireText,
  PhoneNum: wireText,
  Email: wireText,
});

/**
 * Reads the entries of a list. Merges repeated users, and drops the Uin 0, which CAM's own example has. A malformed
 * entry does not hide the other users.
 */
function readUserList(entries: readonly unknown[]): UserList {
  const users = new Map<Uin, ListedUser>();
  let unusable = 0;
  for (const entry of entries) {
    const { data } = entrySchema.safeParse(entry);
    const uin = parseUin(data?.Uin);
    if (data !== undefined && uin !== undefined) {
      users.set(uin, {
        uin,
        name: data.Name,
        remark: data.Remark,
        consoleLogin: data.ConsoleLogin,
        createTime: data.CreateTime,
        hasPhone: data.PhoneNum !== undefined,
        hasEmail: data.Email !== undefined,
      });
    } else if (data === undefined || String(data.Uin) !== "0") unusable += 1;
  }
  return { users: [...users.values()], unusable };
}

const usersSchema = z.object({ Data: z.array(z.unknown()) });

/** Lists all sub-users of the account in one reply. https://www.tencentcloud.com/document/product/598/32256 */
export const listUsers: CamAction<void, UserList> = {
  name: "ListUsers",
  version: CAM_VERSION,
  service: "cam",
  access: "read",
  serialize: () => "{}",
  parse: (response) => readUserList(usersSchema.parse(response).Data),
};

/** The most users that CAM returns in one reply. */
const MAX_ITEMS = 100;

interface AccountsPage extends UserList {
  /** The marker of the next page. Undefined after the last page. */
  readonly next: string | undefined;
}

const accountsSchema = z.object({
  Users: z.array(z.unknown()),
  IsTruncated: z.boolean().nullish(),
  Marker: z.string().nullish(),
});

/**
 * Lists one page of the sub-users. Only the mainland site has this action. CAM's lists of other types, such as message
 * receivers, have users without protections, so the gateway leaves them out.
 * https://cloud.tencent.com/document/api/598/133082
 */
export const listAccounts: CamAction<{ readonly marker: string | undefined }, AccountsPage> = {
  name: "ListAccounts",
  version: CAM_VERSION,
  service: "cam",
  access: "read",
  serialize: ({ marker }) => JSON.stringify({ MaxItems: MAX_ITEMS, Marker: marker, UserType: "SubUser" }),
  parse: (response) => {
    const { Users, IsTruncated, Marker } = accountsSchema.parse(response);
    return { ...readUserList(Users), next: IsTruncated === true && Marker ? Marker : undefined };
  },
};

export interface SubAccount {
  readonly uin: Uin;
  readonly name: string | undefined;
  /** CAM's second id of the user. */
  readonly uid: string | undefined;
  readonly remark: string | undefined;
  /** CAM's number for the kind of user. */
  readonly userType: number | undefined;
  /** `YYYY-MM-DD hh:mm:ss`, as CAM sends it, without a time zone. */
  readonly createTime: string | undefined;
  /** In the format of createTime. Undefined for a user who never logged in. */
  readonly lastLoginTime: string | undefined;
  readonly lastLoginIp: string | undefined;
}

/** The most Uins that CAM accepts in one call. */
export const MAX_SUB_ACCOUNTS_PER_CALL = 50;

const responseSchema = z.object({
  SubAccounts: z.array(
    z
      .object({
        Uin: wireUin,
        Name: wireText,
        Uid: z.union([z.number(), z.bigint(), z.string()]).nullish(),
        Remark: wireText,
        UserType: z.number().nullish(),
        CreateTime: wireText,
        LastLoginTime: wireText,
        LastLoginIp: wireText,
      })
      .transform(
        (user): SubAccount => ({
          uin: user.Uin,
          name: user.Name,
          uid: user.Uid === null || user.Uid === undefined ? undefined : String(user.Uid),
          remark: user.Remark,
          userType: user.UserType ?? undefined,
          createTime: user.CreateTime,
          lastLoginTime: user.LastLoginTime,
          lastLoginIp: user.LastLoginIp,
        }),
      ),
  ),
});

/**
 * Reads the profiles of at most 50 sub-users. CAM omits unknown Uins and promises no order, so find a profile by its
 * `uin`. https://www.tencentcloud.com/document/product/598/39986
 */
export const describeSubAccounts: CamAction<{ readonly uins: readonly Uin[] }, readonly SubAccount[]> = {
  name: "DescribeSubAccounts",
  version: CAM_VERSION,
  service: "cam",
  access: "read",
  userOf: ({ uins }) => (uins.length === 1 ? uins[0] : undefined),
  serialize: ({ uins }) => JSON.stringify({ FilterSubAccountUin: uins.map(exactInteger) }),
  parse: (response) => responseSchema.parse(response).SubAccounts,
};
