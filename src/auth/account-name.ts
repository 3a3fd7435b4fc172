/** The account of the CAM_* and TENCENTCLOUD_* variables, which is meant wherever none is named. */
export const DEFAULT_ACCOUNT = "default";

export const ACCOUNT_NAME = /^[a-z0-9-]{1,40}$/;

/** Whether a text has the form of an account's name, so that there could be such an account. */
export function isAccountName(text: string): boolean {
  return ACCOUNT_NAME.test(text);
}
