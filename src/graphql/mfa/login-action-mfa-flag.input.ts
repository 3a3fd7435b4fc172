import { Field, InputType } from "type-graphql";

@InputType({
  description: "Which methods of one protection to switch. What is left out or null stays as it is.",
})
export class LoginActionMfaFlagInput {
  @Field(() => Boolean, { nullable: true, description: "A code by SMS; the user needs a bound phone." })
  phone?: boolean | null;

  @Field(() => Boolean, {
    nullable: true,
    description: "A virtual MFA device (TOTP); a user without one binds it at the next login.",
  })
  stoken?: boolean | null;

  @Field(() => Boolean, { nullable: true, description: "A scan by WeChat; the user needs a bound WeChat." })
  wechat?: boolean | null;
}
