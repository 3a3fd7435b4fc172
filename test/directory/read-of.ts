import type { MfaFlagState } from "../../src/cam/index.ts";
import type { Uin } from "../../src/contract/index.ts";
import type { ProtectionsRead } from "../../src/directory/user-writes.ts";

/** Flags with some methods on, and all others off. */
export function flagsWith(...on: readonly (keyof MfaFlagState)[]): MfaFlagState {
  const all: readonly (keyof MfaFlagState)[] = [
    "phone",
    "token",
    "stoken",
    "wechat",
    "custom",
    "mail",
    "u2fToken",
    "passkey",
  ];
  return Object.fromEntries(all.map((method) => [method, on.includes(method)])) as unknown as MfaFlagState;
}

/** A read of a user in the account `default` with these login methods on. */
export function readOf(
  opUin: string,
  asOfMs: number,
  ...login: readonly (keyof MfaFlagState)[]
): ProtectionsRead {
  return { account: "default", opUin: opUin as Uin, login: flagsWith(...login), action: flagsWith(), asOfMs };
}
