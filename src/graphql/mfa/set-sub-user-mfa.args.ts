import { ArgsType, Field } from "type-graphql";
import { isAccountName } from "../../auth/accounts.ts";
import type { MfaChangeRequest, MfaMethods } from "../../changes/mfa-change.ts";
import { GatewayError, type Uin } from "../../contract/index.ts";
import { accountOptions, LONGEST_REASON, toReason, UinScalar } from "../arguments.ts";
import { CamCalls } from "../directives.ts";
import { LoginActionMfaFlagInput } from "./mfa-flag.type.ts";

/** The arguments of setSubUserMfa and trySetSubUserMfa alike. */
@ArgsType()
export class SetSubUserMfaArgs {
  @Field(() => UinScalar, { description: "The sub-user to change." })
  opUin!: Uin;

  @Field(() => String, accountOptions)
  account?: string | null;

  @CamCalls(0)
  @Field(() => LoginActionMfaFlagInput, {
    nullable: true,
    description: "Login protection. Left out, null or empty: stays as it is.",
  })
  login?: LoginActionMfaFlagInput | null;

  @CamCalls(0)
  @Field(() => LoginActionMfaFlagInput, {
    nullable: true,
    description: "Operation protection. Left out, null or empty: stays as it is.",
  })
  action?: LoginActionMfaFlagInput | null;

  @Field(() => Boolean, {
    nullable: true,
    defaultValue: false,
    description:
      "Write a protection even though it uses a method that a write cannot express (hardware token, custom, " +
      "mail, U2F, passkey). That method may be lost.",
  })
  overwriteOtherMethods?: boolean | null;

  @Field(() => String, {
    nullable: true,
    description:
      `Why, for the record: at most ${LONGEST_REASON} characters. Switching off a user's last method, and changing a ` +
      "protected user, is refused without.",
  })
  reason?: string | null;
}

export function toChangeRequest(args: SetSubUserMfaArgs): MfaChangeRequest {
  return {
    account: toAccountName(args.account),
    opUin: args.opUin,
    login: toMethods(args.login),
    action: toMethods(args.action),
    overwriteOtherMethods: args.overwriteOtherMethods ?? false,
    reason: toReason(args.reason),
  };
}

/** What has not the form of a name is none, and comes into no log. @throws GatewayError UNKNOWN_ACCOUNT */
function toAccountName(name: string | null | undefined): string | undefined {
  if (typeof name === "string" && !isAccountName(name)) throw new GatewayError("UNKNOWN_ACCOUNT");
  return name ?? undefined;
}

/** In GraphQL, null means what leaving out means: unchanged. */
function toMethods(input: LoginActionMfaFlagInput | null | undefined): MfaMethods | undefined {
  if (!input) return undefined;
  return {
    phone: input.phone ?? undefined,
    stoken: input.stoken ?? undefined,
    wechat: input.wechat ?? undefined,
  };
}
