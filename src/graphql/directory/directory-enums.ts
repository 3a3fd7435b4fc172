import type { MfaMethod as Method } from "../../directory/protections.ts";
import { registerEnum } from "../enums.ts";

export const ProtectionState = registerEnum("ProtectionState", "Whether a protection has a method.", {
  PROTECTED: "At least one method is on.",
  UNPROTECTED: "No method is on.",
  UNKNOWN:
    "The gateway has not read it, or CAM left out phone, stoken or WeChat. Counts as neither of the two.",
});

export const ProtectionStrength = registerEnum(
  "ProtectionStrength",
  "The strength of login protection: that of the weakest method that is on, because an attacker chooses the method.",
  {
    UNKNOWN: "The gateway has not read the user's protections.",
    NONE: "No method is on.",
    SMS: "A code by SMS.",
    WECHAT_OR_MAIL: "A scan by WeChat, or a code by mail.",
    TOTP: "A virtual MFA device, or the account's own integration.",
    HARDWARE: "A hardware token, a U2F key or a passkey.",
  },
);

export const MfaMethod = registerEnum("MfaMethod", "A method of a protection.", {
  PHONE: "A code by SMS.",
  TOKEN: "A hardware token.",
  STOKEN: "A virtual MFA device (TOTP).",
  WECHAT: "A scan by WeChat.",
  CUSTOM: "The account's own MFA integration.",
  MAIL: "A code by mail.",
  U2F_TOKEN: "A U2F security key.",
  PASSKEY: "A passkey.",
});

/** The name of each method inside the gateway. */
export const METHOD_NAMES: Readonly<Record<keyof typeof MfaMethod, Method>> = {
  PHONE: "phone",
  TOKEN: "token",
  STOKEN: "stoken",
  WECHAT: "wechat",
  CUSTOM: "custom",
  MAIL: "mail",
  U2F_TOKEN: "u2fToken",
  PASSKEY: "passkey",
};

export const DirectorySource = registerEnum(
  "DirectorySource",
  "How the gateway learned a user's protections.",
  {
    SCAN: "A scan of the account read them.",
    READ: "An operation read them, for example `subUser`.",
    CHANGE: "A change by the gateway set them.",
  },
);
