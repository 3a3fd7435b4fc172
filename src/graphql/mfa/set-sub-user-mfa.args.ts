import { ArgsType, Field } from "type-graphql";
import { isAccountName } from "../../auth/accounts.ts";
import type { MfaChangeRequest, MfaMethods } from "../../changes/mfa-change.ts";
import { GatewayError, type Uin } from "../../contract/index.ts";
import { accountOptions, LONGEST_REASON, toReason, UinScalar } from "../arguments.ts";
import { CamCalls } from "../directives.ts";
import { LoginActionMfaFlagInput } from "./mfa-flag.type.ts";

/** The arguments of setSubUserMfa and of trySetSubUserMfa. */
@ArgsType()
export class SetSubUserMfaArgs {
  @Field(() => UinScalar, { description: "The sub-user to change." })
  opUin!: Uin;

  @Field(() => String, accountOptions)
  account?: string | null;

  @CamCalls(0)
  @Field(() => LoginActionMfaFlagInput, {
    nullable: true,
    description: "Login protection. Unchanged if left out, null or empty.",
  })
  login?: LoginActionMfaFlagInput | null;

  @CamCalls(0)
  @Field(() => LoginActionMfaFlagInput, {
    nullable: true,
    description: "Operation protection. Unchanged if left out, null or empty.",
  })
  action?: LoginActionMfaFlagInput | null;

  @Field(() => Boolean, {
    nullable: true,
    defaultValue: false,
    description:
      "Whether to write a protection even if it uses a method that a write cannot set (hardware token, custom, mail, " +
      "U2F, passkey). The user may lose that method.",
  })
  overwriteOtherMethods?: boolean | null;

  @Field(() => String, {
    nullable: true,
    description:
      `The reason for the record, at most ${LONGEST_REASON} characters. Switching off a user's last method and changing ` +
      "a protected user require a reason.",
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

/**
 * Returns the name of an account. Refuses a malformed name early, so that no log line contains it.
 *
 * @throws GatewayError UNKNOWN_ACCOUNT
 */
function toAccountName(name: string | null | undefined): string | undefined {
  if (typeof name === "string" && !isAccountName(name)) throw new GatewayError("UNKNOWN_ACCOUNT");
  return name ?? undefined;
}

/** Returns the methods to switch. A method that is null or left out stays unchanged. */
export function toMethods(input: LoginActionMfaFlagInput | null | undefined): MfaMethods | undefined {
  if (!input) return undefined;
  return {
    phone: input.phone ?? undefined,
    stoken: input.stoken ?? undefined,
    wechat: input.wechat ?? undefined,
  };
}
