import { type CamErrorCode, describeCamError } from "../contract/index.ts";
import type { DirectoryUser } from "./directory.ts";
import type { MfaMethod } from "./protections.ts";

/** Whether a method can be switched on for a user, by the directory alone. */
interface MethodAvailability {
  /** UNKNOWN: only a change shows whether CAM accepts the method. */
  readonly available: "YES" | "NO" | "UNKNOWN";
  /** The error of a change that is or may be refused. */
  readonly code?: CamErrorCode | undefined;
  /** How to make the method available. */
  readonly remedy?: string | undefined;
  /** The user's next login to the console with this method on. */
  readonly atNextLogin?: string | undefined;
}

const BY_PHONE = "Tencent Cloud sends a code by SMS to the bound phone.";
const BY_WECHAT = "Tencent Cloud asks for a scan by the bound WeChat.";
const BY_DEVICE =
  "Tencent Cloud asks for a code of the virtual MFA device. A user without a device binds one first.";
const NO_LOGIN = "The user may not sign in to the console, so nothing changes.";

/** The verdict on a method that SetMfaFlag cannot set. */
const IN_CONSOLE: MethodAvailability = {
  available: "NO",
  code: "MFA_METHOD_NOT_WRITABLE",
  remedy: "Switch this method on in the Tencent Cloud console. The gateway cannot set it.",
};

/** Returns whether one method can be switched on for a user. */
export function availabilityOf(method: MfaMethod, user: DirectoryUser | undefined): MethodAvailability {
  const seen = (text: string) => (user?.consoleLogin === false ? NO_LOGIN : text);
  switch (method) {
    case "phone":
      return phoneOf(user, seen(BY_PHONE));
    case "stoken":
      // CAM accepts the method without a device.
      return { available: "YES", atNextLogin: seen(BY_DEVICE) };
    case "wechat":
      return wechatOf(user, seen(BY_WECHAT));
    default:
      return IN_CONSOLE;
  }
}

function phoneOf(user: DirectoryUser | undefined, atNextLogin: string): MethodAvailability {
  const code = "USER_NOT_BIND_PHONE";
  const { remedy } = describeCamError(code);
  if (user?.hasPhone === undefined) return { available: "UNKNOWN", code, remedy, atNextLogin };
  return user.hasPhone ? { available: "YES", atNextLogin } : { available: "NO", code, remedy };
}

/** CAM does not list bound WeChat accounts. A user whose protection uses WeChat has one. */
function wechatOf(user: DirectoryUser | undefined, atNextLogin: string): MethodAvailability {
  const { login, action } = user?.protections ?? {};
  if (login?.wechat === true || action?.wechat === true) return { available: "YES", atNextLogin };
  const code = "USER_NOT_BIND_WECHAT";
  return { available: "UNKNOWN", code, remedy: describeCamError(code).remedy, atNextLogin };
}
