import { Field, GraphQLISODateTime, InputType, ObjectType } from "type-graphql";
import { CamCalls } from "../directives.ts";
import { registerEnum } from "../enums.ts";

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
