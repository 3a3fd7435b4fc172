import { z } from "zod";
import type { Uin } from "../../contract/index.ts";
import { exactInteger } from "../transport/http-transport.ts";
import { CAM_VERSION, type CamAction, wireText, wireUin } from "./cam-action.ts";

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
