import { Field, GraphQLISODateTime, InputType, ObjectType, registerEnumType } from "type-graphql";
import { CamCalls } from "../directives.ts";

export const MfaSource = { CAM: "CAM", GATEWAY: "GATEWAY" } as const;

registerEnumType(MfaSource, {
  name: "MfaSource",
  description: "Whose knowledge of a user's protections is shown.",
  valuesConfig: {
    CAM: { description: "CAM showed the user so." },
    GATEWAY: {
      description:
        "CAM showed the user otherwise. For a minute after a write CAM may show what was so before, so a method that a " +
        "write of the gateway has changed in that minute is shown as that write left it.",
    },
  },
});

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

const nullMeans = "Null where CAM does not say.";

@CamCalls(0)
@ObjectType({
  description: "Which methods protect one kind of event, as CAM reports it. More than one may be on.",
})
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

@CamCalls(0)
@ObjectType({ description: "The two protections of a sub-user." })
export class SubUserMfa {
  @Field(() => LoginActionFlag, { description: "Login protection: the second factor after the password." })
  login!: LoginActionFlag;

  @Field(() => LoginActionFlag, {
    description: "Operation protection: the second factor before sensitive operations in the console.",
  })
  action!: LoginActionFlag;

  @Field(() => MfaSource, { description: "Whose knowledge this is." })
  source!: keyof typeof MfaSource;

  @Field(() => GraphQLISODateTime, {
    description:
      "When the gateway asked CAM, by the gateway's clock; with source GATEWAY, when the outcome of its write became " +
      "known, by the database's clock.",
  })
  asOf!: string;
}
