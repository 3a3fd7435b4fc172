import type { EmulatorControl, UserInput } from "../../../src/emulator/index.ts";

/** Creates users with everything bound, changed by the given fields. Null deletes the users. */
export function putUsers(
  cam: EmulatorControl,
  opUins: readonly string[],
  user: Partial<UserInput> | null = {},
): void {
  for (const uin of opUins) {
    if (user === null) cam.deleteUser(uin);
    else cam.putUser({ name: `user-${uin}`, phone: "13800000000", wechatBound: true, ...user, uin });
  }
}
