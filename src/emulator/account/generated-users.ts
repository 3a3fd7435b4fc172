import { type ParsedSeed, type User, userSchema } from "./seed.ts";

/** More than any test needs. The vendor's default limit of an account is 1,000: https://www.tencentcloud.com/document/product/598/10609 */
export const MOST_USERS = 100_000;

const FIRST_UIN = 100_021_000_001;

const NAMES =
  "judy ken lena mike nora oscar peggy quinn rupert sybil trent ursula victor wendy xena yusuf".split(" ");

/** Adds generated users until the account has `count`. The same number always gives the same users. */
export function withGeneratedUsers(seed: ParsedSeed, count: number): ParsedSeed {
  const missing = Math.max(0, count - seed.users.length);
  return { ...seed, users: [...seed.users, ...Array.from({ length: missing }, (_, at) => generateUser(at))] };
}

/** Generates a user: a third has no protection, a sixth never logged in, and an eighth has no phone. */
function generateUser(at: number): User {
  const hasPhone = at % 8 !== 7;
  const first = (["Stoken", "Phone", undefined, "Stoken", "U2FToken", undefined] as const)[at % 6];
  const loginFlag = first === "Phone" && !hasPhone ? { Mail: 1 } : first && { [first]: 1 };
  return userSchema.parse({
    uin: String(FIRST_UIN + at),
    name: `${NAMES[at % NAMES.length]}-${String(at + 1).padStart(5, "0")}`,
    uid: at + 1,
    remark: `team ${(at % 20) + 1}`,
    phone: hasPhone ? `139${String(at).padStart(8, "0")}` : null,
    email: at % 5 === 0 ? "" : `user${at + 1}@example.com`,
    consoleLogin: at % 10 !== 9,
    userType: at % 50 === 49 ? 4 : 2,
    lastLoginTime: at % 6 === 2 ? null : `2026-${String((at % 11) + 1).padStart(2, "0")}-15 09:30:00`,
    loginFlag,
    actionFlag: at % 4 === 0 ? loginFlag : undefined,
  });
}
