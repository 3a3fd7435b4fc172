/** Which methods protect one kind of event, as CAM reports it. Null where CAM does not say. */
export interface LoginActionFlag {
  readonly phone: boolean | null;
  readonly token: boolean | null;
  readonly stoken: boolean | null;
  readonly wechat: boolean | null;
  readonly custom: boolean | null;
  readonly mail: boolean | null;
  readonly u2fToken: boolean | null;
  readonly passkey: boolean | null;
}

/**
 * CAM: CAM showed the user so. GATEWAY: CAM showed the user otherwise, as it may for a minute after a write, and what a
 * write of the gateway has changed in that minute is shown as that write left it.
 */
export type MfaSource = "CAM" | "GATEWAY";

/** The two protections of a sub-user. */
export interface SubUserMfa {
  /** The second factor after the password. */
  readonly login: LoginActionFlag;
  /** The second factor before sensitive operations in the console. */
  readonly action: LoginActionFlag;
  /** Whose knowledge this is. */
  readonly source: MfaSource;
  /** When CAM was asked, or when the outcome of the gateway's write became known: ISO 8601. */
  readonly asOf: string;
}

export interface SubUser {
  /** Of the user in all accounts: the Uin, with the account and a slash before it unless it is `default`. */
  readonly id: string;
  /** A decimal string. */
  readonly opUin: string;
  /** The name that the gateway has for the account; `default` for the one that needs no name. */
  readonly account: string;
  readonly name: string | null;
  readonly uid: string | null;
  readonly remark: string | null;
  readonly userType: number | null;
  /** As CAM writes it: YYYY-MM-DD hh:mm:ss, without a time zone. */
  readonly createTime: string | null;
  readonly lastLoginTime: string | null;
  readonly lastLoginIp: string | null;
  /** Null where it could not be read; `onFieldError` hears why. */
  readonly mfa: SubUserMfa | null;
}
