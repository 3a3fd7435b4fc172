import { Directive, Field, ID, Int, ObjectType } from "type-graphql";
import type { Uin } from "../../contract/index.ts";
import { CamCalls } from "../cam-calls.ts";
import { RequiresScope } from "../requires-scope.ts";
import { UinScalar } from "../uin-scalar.ts";

/** A field that is there, or on its way from CAM. */
type Eventual<Value> = Value | undefined | Promise<Value | undefined>;

@Directive('@key(fields: "id")')
@Directive('@key(fields: "opUin")')
@CamCalls(0)
@ObjectType({ description: "A sub-user of a Tencent Cloud account." })
export class SubUser {
  @Field(() => ID, {
    description:
      "Of the user in all accounts: the Uin, with the account and a slash before it unless it is `default`.",
  })
  id!: string;

  @Field(() => UinScalar, { description: "CAM's id of the user, which SetMfaFlag calls OpUin." })
  opUin!: Uin;

  @Field(() => String, {
    description:
      "The account whose user it is, by its name in the gateway; `default` for the one that needs no name.",
  })
  account!: string;

  @RequiresScope("cam.mfa:read")
  @Field(() => String, { nullable: true, description: "The name that the user logs in with." })
  name?: Eventual<string>;

  @RequiresScope("cam.mfa:read")
  @Field(() => String, { nullable: true, description: "CAM's second number for the user." })
  uid?: Eventual<string>;

  @RequiresScope("cam.mfa:read")
  @Field(() => String, { nullable: true, description: "What an administrator noted about the user." })
  remark?: Eventual<string>;

  @RequiresScope("cam.mfa:read")
  @Field(() => Int, { nullable: true, description: "CAM's number for the kind of user." })
  userType?: Eventual<number>;

  @RequiresScope("cam.mfa:read")
  @Field(() => String, {
    nullable: true,
    description: "As CAM writes it: YYYY-MM-DD hh:mm:ss, without a time zone.",
  })
  createTime?: Eventual<string>;

  @RequiresScope("cam.mfa:read")
  @Field(() => String, {
    nullable: true,
    description: "Written like createTime; null for a user who never logged in.",
  })
  lastLoginTime?: Eventual<string>;

  @RequiresScope("cam.mfa:read")
  @Field(() => String, { nullable: true, description: "The address of the last login." })
  lastLoginIp?: Eventual<string>;
}
