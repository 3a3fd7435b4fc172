import { readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";
import { dirname, join } from "node:path";
import { z } from "zod";
import { InputProblems, parseInput } from "./input-problems.ts";

const UIN_MAX = 2n ** 64n - 1n;

/** A Uin is a decimal string in all files and control calls, because JSON readers round long integers. */
export const uinSchema = z
  .string()
  .regex(/^[1-9]\d{0,19}$/, "must be a decimal string without leading zeros")
  .refine((text) => /^\d+$/.test(text) && BigInt(text) <= UIN_MAX, "must be at most 2^64-1");

/** The vendor's own maximum: https://www.tencentcloud.com/document/product/1150/49456 */
const MAX_SESSION_SECONDS = 43_200;

/** A role. Trusted users and identity providers get temporary keys that act as the role. */
const roleSchema = z.strictObject({
  /** The vendor's ids are decimal strings, like Uins. */
  roleId: uinSchema,
  name: z.string().regex(/^[\w+=,.@-]{1,128}$/, "must be letters, digits and any of + = , . @ _ -"),
  /** The users whose keys may assume it. */
  trustedUins: z.array(uinSchema).default([]),
  /** The OIDC providers whose tokens may assume it. */
  identityProviders: z.array(z.string().min(1)).default([]),
  /** The ExternalId that AssumeRole must send; null requires none. */
  externalId: z.string().min(1).nullable().default(null),
  maxSessionSeconds: z.int().positive().max(MAX_SESSION_SECONDS).default(MAX_SESSION_SECONDS),
});

export type Role = z.output<typeof roleSchema>;

const flag = z.union([z.literal(0), z.literal(1)]).default(0);
/** The eight methods that a read reports, in the vendor's order and spelling. */
const flagBlock = z.strictObject({
  Phone: flag,
  Token: flag,
  Stoken: flag,
  Wechat: flag,
  Custom: flag,
  Mail: flag,
  U2FToken: flag,
  Passkey: flag,
});
const noFlags = () => flagBlock.parse({});

export const READ_METHODS = flagBlock.keyof().options;
export type ProtectionFlags = z.output<typeof flagBlock>;

export const userSchema = z.strictObject({
  uin: uinSchema,
  name: z.string().min(1),
  uid: z.int().nonnegative().default(0),
  remark: z.string().default(""),
  nickName: z.string().default(""),
  email: z.string().default(""),
  countryCode: z.string().default("86"),
  /** The bound phone number; null when none is bound. */
  phone: z.string().min(1).nullable().default(null),
  wechatBound: z.boolean().default(false),
  consoleLogin: z.boolean().default(true),
  /** 2 sub-user, 3 WeCom sub-user, 4 collaborator, 5 message recipient. */
  userType: z.int().min(2).max(5).default(2),
  createTime: z.string().default("2024-01-01 08:00:00"),
  /** Null for a user who has never logged in. */
  lastLoginTime: z.string().nullable().default(null),
  lastLoginIp: z.string().default(""),
  loginFlag: flagBlock.default(noFlags),
  actionFlag: flagBlock.default(noFlags),
  /** Methods that a read leaves out, as older CAM regions do. A client must not read them as 0. */
  unreportedMethods: z.array(flagBlock.keyof()).default([]),
  /** SetMfaFlag answers FailedOperation.UserUnbindNoPermission. */
  locked: z.boolean().default(false),
  /** SetMfaFlag answers InvalidParameter.MFATokenError. */
  mfaTokenDemanded: z.boolean().default(false),
  /** SetMfaFlag answers this error. */
  writeError: z
    .strictObject({ code: z.string().min(1), message: z.string().optional() })
    .nullable()
    .default(null),
});

export const keySchema = z
  .strictObject({
    secretId: z.string().regex(/^AKID[0-9A-Za-z_-]+$/, "must start with AKID, as the vendor's do"),
    secretKey: z.string().min(1),
    /** The owner of the key: a user's Uin, or the id of the role of a session. */
    uin: uinSchema,
    /** The session name of a key that acts for a role; null for a user's key. */
    session: z.string().min(1).nullable().default(null),
    /** The user that requested a role's key; null for the account and for a user's key. */
    issuedTo: uinSchema.nullable().default(null),
    kind: z.enum(["permanent", "temporary"]).default("permanent"),
    token: z.string().min(1).nullable().default(null),
    /** ISO 8601; null never expires. */
    expiresAt: z.iso.datetime().nullable().default(null),
    disabled: z.boolean().default(false),
    /** Writes with this key answer InvalidParameter.MFATokenError. */
    demandsMfa: z.boolean().default(false),
  })
  .refine((key) => (key.kind === "temporary") === (key.token !== null), {
    path: ["token"],
    message: "belongs to temporary keys, and every temporary key has one",
  });

const uinRange = z.strictObject({ from: uinSchema, to: uinSchema });

const seedSchema = z
  .strictObject({
    account: z.strictObject({
      ownerUin: uinSchema,
      appId: z.int().positive().default(1250000000),
      /** The Uins of this account. For other Uins SetMfaFlag answers InvalidParameter.UserNotExist. */
      uinRanges: z.array(uinRange).min(1),
    }),
    keys: z.array(keySchema).min(1),
    roles: z.array(roleSchema).default([]),
    users: z.array(userSchema),
  })
  .superRefine((seed, context) => {
    refuseRepeats(context, "users", "uin", seed.users);
    refuseRepeats(context, "users", "name", seed.users);
    refuseRepeats(context, "keys", "secretId", seed.keys);
    refuseRepeats(context, "roles", "name", seed.roles);
  });

export type User = z.output<typeof userSchema>;
export type AccessKey = z.output<typeof keySchema>;
export type ParsedSeed = z.output<typeof seedSchema>;
/** A seed as written in a file. Fields with a default are optional. */
export type SeedInput = z.input<typeof seedSchema>;
export type UserInput = z.input<typeof userSchema>;
export type AccessKeyInput = z.input<typeof keySchema>;

function refuseRepeats<Field extends string>(
  context: z.core.$RefinementCtx,
  list: string,
  field: Field,
  entries: readonly Readonly<Record<Field, string>>[],
): void {
  const values = entries.map((entry) => entry[field]);
  values.forEach((value, at) => {
    if (values.indexOf(value) === at) return;
    context.addIssue({ code: "custom", path: [list, at, field], message: `"${value}" occurs twice` });
  });
}

/** A file of the package, whose root is not equally far from the source and from the bundle. */
export const DEFAULT_SEED_FILE = join(
  dirname(findPackageJSON(import.meta.url) ?? ""),
  "schema/emulator-seed.json",
);

export function parseSeed(input: unknown, what = "The seed is not valid"): ParsedSeed {
  return parseInput(seedSchema, input, what);
}

/** Reads, parses and validates a seed file. Throws InputProblems with the name of the file. */
export function loadSeedFile(file: string = DEFAULT_SEED_FILE): ParsedSeed {
  return parseSeed(parseJson(readText(file), file), `The seed file ${file} is not valid`);
}

function readText(file: string): string {
  const bytes = readBytes(file);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new InputProblems(`The seed file ${file} is not UTF-8`, ["Save it as UTF-8."], { cause });
  }
}

function readBytes(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new InputProblems(`The seed file ${file} cannot be read`, [messageOf(cause)], { cause });
  }
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new InputProblems(`The seed file ${file} is not JSON`, [messageOf(cause)], { cause });
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

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
