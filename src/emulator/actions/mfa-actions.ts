import { CamRefusal, refusals } from "../cam-refusals.ts";
import { type ProtectionFlags, READ_METHODS, type User } from "../seed.ts";
import type { SignedAction, SignedContext } from "./action-definition.ts";
import type { ParameterReader } from "./parameter-reader.ts";

/** The three methods that SetMfaFlag can write. */
const WRITE_METHODS = ["Phone", "Stoken", "Wechat"] as const;

/** One flag set of a write. An omitted method is absent. */
type FlagWrite = Partial<Pick<ProtectionFlags, (typeof WRITE_METHODS)[number]>>;

/**
 * Applies a write to one flag set. The vendor documents no rule for the methods that a write cannot name. The emulator
 * assumes: switching a method on switches them off; a write of zeros leaves them as they are.
 */
function applyFlagWrite(
  current: ProtectionFlags,
  write: FlagWrite,
  omitted: "zero" | "unchanged",
): ProtectionFlags {
  const next = { ...current };
  for (const method of WRITE_METHODS)
    next[method] = write[method] ?? (omitted === "zero" ? 0 : current[method]);
  if (WRITE_METHODS.every((method) => next[method] === 0)) return next;
  const isWritable = (method: keyof ProtectionFlags) => (WRITE_METHODS as readonly string[]).includes(method);
  for (const method of READ_METHODS) if (!isWritable(method)) next[method] = 0;
  return next;
}

/** Sets a user's protections. The reply never shows the state: https://www.tencentcloud.com/document/product/598/36305 */
export const setMfaFlag: SignedAction = {
  name: "SetMfaFlag",
  product: "cam",
  version: "2019-01-16",
  uinParameter: "OpUin",
  run(reader, context) {
    // The vendor's page calls OpUin optional and does not say which user a call without it changes. The emulator refuses.
    const uin = reader.required("OpUin", reader.uint64("OpUin")).toString();
    const login = reader.flagSet("LoginFlag", readFlagWrite);
    const action = reader.flagSet("ActionFlag", readFlagWrite);
    reader.finish();

    const user = permittedUser(uin, context);
    refuseUnbound(user, [login, action]);
    const write = (current: User["loginFlag"], change: FlagWrite) =>
      applyFlagWrite(current, change, context.omittedIntegers);
    // Also undocumented: an absent flag set stays as it is, and a call without flag sets changes nothing.
    context.account.writeFlags(user, {
      ...(login && { loginFlag: write(user.loginFlag, login) }),
      ...(action && { actionFlag: write(user.actionFlag, action) }),
    });
    return { response: {}, applied: login !== undefined || action !== undefined };
  },
};

function readFlagWrite(reader: ParameterReader): FlagWrite {
  const write: FlagWrite = {};
  for (const method of WRITE_METHODS) {
    const flag = reader.flag(method);
    if (flag !== undefined) write[method] = flag;
  }
  return write;
}

function permittedUser(uin: string, { account, key }: SignedContext): User {
  if (key.demandsMfa) throw refusals.mfaTokenError();
  const user = account.user(uin);
  if (!user) throw account.owns(uin) ? refusals.userNotFound() : refusals.userOutsideAccount();
  if (user.locked) throw refusals.userUnbindNoPermission();
  if (user.mfaTokenDemanded) throw refusals.mfaTokenError();
  if (user.writeError) {
    const { code, message = "The operation failed." } = user.writeError;
    throw new CamRefusal(code, message);
  }
  return user;
}

/** Stoken needs no such check: the vendor lets the user bind a device at the next login. */
function refuseUnbound(user: User, writes: readonly (FlagWrite | undefined)[]): void {
  if (user.phone === null && writes.some((write) => write?.Phone === 1)) throw refusals.userNotBindPhone();
  if (!user.wechatBound && writes.some((write) => write?.Wechat === 1)) throw refusals.userNotBindWechat();
}

/** Returns one user's protections; the vendor has no batch: https://www.tencentcloud.com/document/product/598/38353 */
export const describeSafeAuthFlagColl: SignedAction = {
  name: "DescribeSafeAuthFlagColl",
  product: "cam",
  version: "2019-01-16",
  uinParameter: "SubUin",
  run(reader, { account, readLagMs }) {
    const uin = reader.required("SubUin", reader.uint64("SubUin")).toString();
    reader.finish();
    const user = account.user(uin);
    const flags = account.flagsAgo(uin, readLagMs);
    if (!user || !flags) throw refusals.userNotFound();
    return {
      applied: false,
      response: {
        LoginFlag: reported(flags.loginFlag, user),
        ActionFlag: reported(flags.actionFlag, user),
        OffsiteFlag: { VerifyFlag: 0, NotifyPhone: 0, NotifyEmail: 0, NotifyWechat: 0, Tips: 0 },
        PromptTrust: 0,
      },
    };
  },
};

function reported(flags: ProtectionFlags, user: User): Partial<ProtectionFlags> {
  const methods = READ_METHODS.filter((method) => !user.unreportedMethods.includes(method));
  return Object.fromEntries(methods.map((method) => [method, flags[method]]));
}
