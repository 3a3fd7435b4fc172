/** Which methods of one protection to switch. What is left out, null or undefined stays as it is. */
export interface MethodsToSwitch {
  /** A code by SMS; the user needs a bound phone. */
  readonly phone?: boolean | null | undefined;
  /** A virtual MFA device (TOTP). */
  readonly stoken?: boolean | null | undefined;
  /** A scan by WeChat; the user needs a bound WeChat. */
  readonly wechat?: boolean | null | undefined;
}

/** The arguments of setSubUserMfa and trySetSubUserMfa. */
export interface SetSubUserMfaInput {
  /** A decimal string, for a JavaScript number loses digits of such ids. */
  readonly opUin: string;
  /** The account whose user it is, by its name in the gateway; the default one where left out. */
  readonly account?: string | null | undefined;
  readonly login?: MethodsToSwitch | null | undefined;
  readonly action?: MethodsToSwitch | null | undefined;
  /** Write a protection although it uses a method that a write cannot express and that may be lost. */
  readonly overwriteOtherMethods?: boolean | null | undefined;
  /** Why, for the record: at most 500 characters. Some changes are refused without (`REASON_REQUIRED`). */
  readonly reason?: string | null | undefined;
}
