import { Directive, Field, GraphQLISODateTime, ID, InputType, Int, ObjectType } from "type-graphql";
import type { Uin } from "../../contract/index.ts";
import type { DirectoryUser } from "../../directory/directory.ts";
import { toSubUserId, UinScalar } from "../arguments.ts";
import { CamCalls, RequiresScope } from "../directives.ts";
import { registerEnum } from "../enums.ts";
import type { Loaders } from "../loaders.ts";

/** A known value, or one that is being read from CAM. */
type MaybePromise<Value> = Value | undefined | Promise<Value | undefined>;

@Directive('@key(fields: "id")')
@Directive('@key(fields: "opUin")')
@CamCalls(0)
@ObjectType({ description: "A sub-user of a Tencent Cloud account." })
export class SubUser {
  @Field(() => ID, {
    description: "The id of the user across all accounts: `<account>/<Uin>`, or the Uin alone in `default`.",
  })
  id!: string;

  @Field(() => UinScalar, { description: "CAM's id of the user, which SetMfaFlag calls OpUin." })
  opUin!: Uin;

  @Field(() => String, { description: "The name of the user's account in the gateway, such as `default`." })
  account!: string;

  @RequiresScope("cam.mfa:read", "cam.directory:read")
  @Field(() => String, { nullable: true, description: "The user's login name." })
  name?: MaybePromise<string>;

  @RequiresScope("cam.mfa:read", "cam.directory:read")
  @Field(() => String, { nullable: true, description: "The second id that CAM gives the user." })
  uid?: MaybePromise<string>;

  @RequiresScope("cam.mfa:read", "cam.directory:read")
  @Field(() => String, { nullable: true, description: "An administrator's note about the user." })
  remark?: MaybePromise<string>;

  @RequiresScope("cam.mfa:read", "cam.directory:read")
  @Field(() => Int, { nullable: true, description: "CAM's number for the type of the user." })
  userType?: MaybePromise<number>;

  @RequiresScope("cam.mfa:read", "cam.directory:read")
  @Field(() => String, {
    nullable: true,
    description: "The time of creation as CAM writes it: YYYY-MM-DD hh:mm:ss, without a time zone.",
  })
  createTime?: MaybePromise<string>;

  @RequiresScope("cam.mfa:read", "cam.directory:read")
  @Field(() => String, {
    nullable: true,
    description:
      "The time of the last login, in the format of createTime. Null if the user never logged in, or if the directory " +
      "does not know it.",
  })
  lastLoginTime?: MaybePromise<string>;

  @RequiresScope("cam.mfa:read", "cam.directory:read")
  @Field(() => String, { nullable: true, description: "The IP address of the last login." })
  lastLoginIp?: MaybePromise<string>;

  /** The data of the directory, for a user that comes from it. */
  directoryUser?: DirectoryUser;
}

const PROFILE_FIELDS = [
  "name",
  "uid",
  "remark",
  "userType",
  "createTime",
  "lastLoginTime",
  "lastLoginIp",
] as const;

/** The fields of a profile that the directory does not keep. */
const NOT_IN_DIRECTORY = ["uid", "lastLoginIp"] as const;

/**
 * Returns a user by the Uin alone, for example after a change. Reads the profile from CAM only if an operation selects
 * a field of it. If the read fails, only that field becomes an error.
 */
export function lazySubUser(opUin: Uin, loaders: Loaders): SubUser {
  const { account } = loaders;
  return withLazyFields({ id: toSubUserId({ account, opUin }), opUin, account }, PROFILE_FIELDS, loaders);
}

/** Returns a user of the directory. Reads from CAM only the fields that the directory does not keep. */
export function subUserOf(directoryUser: DirectoryUser, loaders: Loaders): SubUser {
  const { account, opUin, name, remark, userType, createTime, lastLoginTime } = directoryUser;
  const profile = { name, remark, userType, createTime, lastLoginTime };
  const user: SubUser = { id: toSubUserId({ account, opUin }), opUin, account, ...profile, directoryUser };
  return withLazyFields(user, NOT_IN_DIRECTORY, loaders);
}

function withLazyFields(
  user: SubUser,
  fields: readonly (typeof PROFILE_FIELDS)[number][],
  { profile }: Loaders,
): SubUser {
  for (const field of fields) {
    Object.defineProperty(user, field, { get: async () => (await profile.load(user.opUin))?.[field] });
  }
  return user;
}

export const MfaSource = registerEnum("MfaSource", "The source of a user's protections.", {
  CAM: "The protections are as CAM returned them.",
  GATEWAY:
    "The protections differ from CAM's answer, which can be outdated for a minute after a write. A method that the " +
    "gateway wrote in that minute is shown as written.",
});

const nullMeans = "Null if CAM does not report it.";

@CamCalls(0)
@ObjectType({ description: "The methods of one protection, as CAM reports them. More than one can be on." })
export class LoginActionFlag {
  @Field(() => Boolean, { nullable: true, description: `A code by SMS to the bound phone. ${nullMeans}` })
  phone?: boolean | undefined;

  @Field(() => Boolean, { nullable: true, description: `A hardware token. ${nullMeans}` })
  token?: boolean | undefined;

  @Field(() => Boolean, {
    nullable: true,
    description: `A virtual MFA device (TOTP), CAM's "soft token". ${nullMeans}`,
  })
  stoken?: boolean | undefined;

  @Field(() => Boolean, { nullable: true, description: `A scan by the bound WeChat. ${nullMeans}` })
  wechat?: boolean | undefined;

  @Field(() => Boolean, { nullable: true, description: `The account's own MFA integration. ${nullMeans}` })
  custom?: boolean | undefined;

  @Field(() => Boolean, { nullable: true, description: `A code by mail. ${nullMeans}` })
  mail?: boolean | undefined;

  @Field(() => Boolean, { nullable: true, description: `A U2F security key. ${nullMeans}` })
  u2fToken?: boolean | undefined;

  @Field(() => Boolean, { nullable: true, description: `A passkey. ${nullMeans}` })
  passkey?: boolean | undefined;
}

@InputType({
  description: "The methods of one protection to switch. A method that is left out or null stays unchanged.",
})
export class LoginActionMfaFlagInput {
  @Field(() => Boolean, { nullable: true, description: "A code by SMS. The user needs a bound phone." })
  phone?: boolean | null;

  @Field(() => Boolean, {
    nullable: true,
    description: "A virtual MFA device (TOTP). A user without one binds it at the next login.",
  })
  stoken?: boolean | null;

  @Field(() => Boolean, { nullable: true, description: "A scan by WeChat. The user needs a bound WeChat." })
  wechat?: boolean | null;
}

@CamCalls(0)
@ObjectType({ description: "The two protections of a sub-user." })
export class SubUserMfa {
  @Field(() => LoginActionFlag, { description: "Login protection: the second factor after the password." })
  login!: LoginActionFlag;

  @Field(() => LoginActionFlag, {
    description: "Operation protection: the second factor before sensitive operations in the console.",
  })
  action!: LoginActionFlag;

  @Field(() => MfaSource, { description: "The source of these values." })
  source!: keyof typeof MfaSource;

  @Field(() => GraphQLISODateTime, {
    description:
      "The time when the gateway requested them from CAM, by the gateway's clock. With source GATEWAY, the time " +
      "when the outcome of the gateway's write became known, by the database's clock.",
  })
  asOf!: string;
}
