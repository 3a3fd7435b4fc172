import { Field, ObjectType } from "type-graphql";
import { type CamErrorCode, describeCamError } from "../../contract/index.ts";
import type { DirectoryUser } from "../../directory/directory.ts";
import { CamCalls } from "../directives.ts";
import { CamErrorCodeEnum, registerEnum } from "../enums.ts";
import { METHOD_NAMES, MfaMethod } from "./directory-enums.ts";

const MethodAvailability = registerEnum("MethodAvailability", "Whether a method can be switched on.", {
  YES: "The gateway can switch it on.",
  NO: "The change would be refused with `code`.",
  UNKNOWN: "CAM does not tell. The change shows it, with `code` if it is refused.",
});

@CamCalls(0)
@ObjectType({ description: "Whether a method can be switched on for a user." })
export class AvailableMethod {
  @Field(() => MfaMethod, { description: "The method." })
  method!: keyof typeof MfaMethod;

  @Field(() => MethodAvailability, { description: "Whether the gateway can switch it on." })
  available!: keyof typeof MethodAvailability;

  @Field(() => CamErrorCodeEnum, {
    nullable: true,
    description: "The error of a change that is or may be refused. Null if the method is available.",
  })
  code?: CamErrorCode | undefined;

  @Field(() => String, { nullable: true, description: "The way to make the method available." })
  remedy?: string | undefined;

  @Field(() => String, {
    nullable: true,
    description:
      "The user's next login to the console with this method on. Null if it cannot be switched on.",
  })
  atNextLogin?: string | undefined;
}

type Verdict = Omit<AvailableMethod, "method">;

const BY_PHONE = "Tencent Cloud sends a code by SMS to the bound phone.";
const BY_WECHAT = "Tencent Cloud asks for a scan by the bound WeChat.";
const BY_DEVICE =
  "Tencent Cloud asks for a code of the virtual MFA device. A user without a device binds one first.";
const NO_LOGIN = "The user may not sign in to the console, so nothing changes.";

/** Returns what the directory says about each method of a user. */
export function availableMethodsOf(user: DirectoryUser | undefined): readonly AvailableMethod[] {
  const seen = (text: string) => (user?.consoleLogin === false ? NO_LOGIN : text);
  const byMethod: Partial<Record<keyof typeof MfaMethod, Verdict>> = {
    PHONE: phoneOf(user, seen(BY_PHONE)),
    // CAM accepts the method without a device.
    STOKEN: { available: "YES", atNextLogin: seen(BY_DEVICE) },
    WECHAT: wechatOf(user, seen(BY_WECHAT)),
  };
  return (Object.keys(METHOD_NAMES) as (keyof typeof MfaMethod)[]).map((method) => ({
    method,
    ...(byMethod[method] ?? IN_CONSOLE),
  }));
}

/** The verdict on a method that SetMfaFlag cannot set. */
const IN_CONSOLE: Verdict = {
  available: "NO",
  code: "MFA_METHOD_NOT_WRITABLE",
  remedy: "Switch this method on in the Tencent Cloud console. The gateway cannot set it.",
};

function phoneOf(user: DirectoryUser | undefined, atNextLogin: string): Verdict {
  const code = "USER_NOT_BIND_PHONE";
  const { remedy } = describeCamError(code);
  if (user?.hasPhone === undefined) return { available: "UNKNOWN", code, remedy, atNextLogin };
  return user.hasPhone ? { available: "YES", atNextLogin } : { available: "NO", code, remedy };
}

/** CAM does not list bound WeChat accounts. A user whose protection uses WeChat has one. */
function wechatOf(user: DirectoryUser | undefined, atNextLogin: string): Verdict {
  const { login, action } = user?.protections ?? {};
  if (login?.wechat === true || action?.wechat === true) return { available: "YES", atNextLogin };
  const code = "USER_NOT_BIND_WECHAT";
  return { available: "UNKNOWN", code, remedy: describeCamError(code).remedy, atNextLogin };
}
