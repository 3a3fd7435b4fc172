import { z } from "zod";
import { parseUin } from "../../contract/index.ts";
import { isPrintable } from "../caller.ts";
import { DAYS, hoursOf, isTimeZone } from "./hours.ts";

// The schema and the types of a policy file, and the list of all switches. policy-file.ts parses and polls the file,
// and decide-access.ts applies it.

/** `other` means the methods that a write cannot express and may remove. */
const METHODS = ["phone", "stoken", "wechat", "other"] as const;

export type Protection = "login" | "action";

/** One operation of a change: one method of one protection, switched on or off. */
export type Switch = `${Protection}.${(typeof METHODS)[number]}.${"on" | "off"}`;

/** Every switch that a change can request. Methods of `other` can only be switched off. */
export const SWITCHES: readonly Switch[] = (["login", "action"] as const).flatMap((protection) =>
  METHODS.flatMap((method) =>
    (method === "other" ? (["off"] as const) : (["on", "off"] as const)).map(
      (to) => `${protection}.${method}.${to}` as const,
    ),
  ),
);

/** Returns the schema of a list that is not empty. An empty list would match nothing, and is probably a mistake. */
const listOf = <Entry extends z.ZodType>(entry: Entry) => z.array(entry).min(1, "is an empty list");

/** The parser reads whole numbers as bigints, because a Uin may exceed a JS number. */
const wholeNumber = z.bigint("must be a whole number");

const UIN_RANGE_PATTERN = "^[1-9][0-9]{0,19}(-[1-9][0-9]{0,19})?$";

const uinRange = z
  .union(
    [z.string().meta({ pattern: UIN_RANGE_PATTERN }), wholeNumber.meta({ minimum: 1 })],
    "must be Uins, or two with a dash between them",
  )
  .transform((value, context): UinRange => {
    const range = parseUinRange(String(value));
    if (range !== undefined) return range;
    const shown = typeof value === "string" ? JSON.stringify(value) : String(value);
    context.addIssue(`has ${shown}, which is neither a Uin nor two with a dash between them`);
    return z.NEVER;
  })
  .meta({
    id: "uins",
    description: 'A Uin, or the first and last Uin of a range: "100021969091-100021969099".',
  });

const pattern = z
  .string("must be patterns")
  .min(1, "has an empty pattern")
  .meta({ description: "A text in which * stands for any characters or none." });

/** Unicode can encode one name in several ways, so the gateway normalises both patterns and names. */
const namePattern = pattern.transform((text) => text.normalize());

const tag = z
  .string("must be tags")
  .regex(/^[\p{L}\p{M}\p{N}_-]+$/u, "must be tags without the #: letters, digits, - or _")
  .meta({ description: "A tag without the #." })
  .transform((text) => text.normalize());

const switchPattern = z
  .string("must be switches, for example login.phone.on, or *.off")
  .refine((text) => SWITCHES.some((name) => matchesGlob(text, name)), {
    error: ({ input }) =>
      `has ${JSON.stringify(input)}, which is not a switch: for example login.phone.on, or *.off`,
  })
  .meta({
    description: "protection.method.on or .off, with * for any characters: login.phone.on, *.off",
    examples: SWITCHES,
  });

const time = z
  .string('must be a time in quotes, as in "09:30"')
  .regex(/^([01]\d|2[0-3]):[0-5]\d$|^24:00$/, "must be a time as in 09:30");

const hours = z
  .strictObject({
    timeZone: z.string().refine(isTimeZone, "must be a time zone as in Asia/Shanghai"),
    days: listOf(z.enum(DAYS, `must be days: ${DAYS.join(", ")}`)).optional(),
    from: time,
    to: time.meta({ description: "Not included. 24:00 is the end of the day." }),
  })
  .refine(({ from, to }) => from < to, "must begin before they end; a night is two rules")
  .meta({ description: "When the rule applies, in the local time of a time zone. Default: at all times." })
  .transform(hoursOf);

const callers = z
  .strictObject({
    subjects: listOf(pattern).optional(),
    clients: listOf(pattern).optional(),
    issuers: listOf(pattern).optional(),
  })
  .refine((given) => Object.keys(given).length > 0, "must have subjects, clients or issuers")
  .meta({
    id: "callers",
    description: "The callers that the rule applies to. Every list given must match. Default: all callers.",
  });

const users = z
  .strictObject({
    uins: listOf(uinRange).optional(),
    names: listOf(namePattern).optional(),
    tags: listOf(tag).optional(),
  })
  .refine((given) => Object.keys(given).length > 0, "must have uins, names or tags")
  .meta({ description: "The users that the rule applies to. One match is enough. Default: all users." });

const LONGEST_APPROVAL_MINUTES = 10_080;

const approval = z
  .strictObject({
    expiresInMinutes: wholeNumber
      .refine((minutes) => minutes >= 1n && minutes <= LONGEST_APPROVAL_MINUTES, {
        error: `must be from 1 to ${LONGEST_APPROVAL_MINUTES} (a week)`,
      })
      .transform(Number)
      .meta({ minimum: 1, maximum: LONGEST_APPROVAL_MINUTES }),
  })
  .meta({
    description:
      "The two-person rule: the gateway makes the change after another caller approves it in time.",
  });

const rule = z
  .strictObject({
    id: z
      .string("must be a text")
      .regex(/^[\w.-]{1,64}$/, "must be 1 to 64 letters, digits, dots, dashes or underscores")
      .meta({ description: "The name of the rule in refusals." }),
    effect: z.enum(["allow", "deny"], "must be allow or deny"),
    approval: approval.optional(),
    callers: callers.optional(),
    users: users.optional(),
    accounts: listOf(pattern).optional(),
    switches: listOf(switchPattern).optional(),
    hours: hours.optional(),
  })
  .refine(({ effect, approval: terms }) => effect === "allow" || terms === undefined, {
    path: ["approval"],
    error: "has no meaning unless the effect is allow",
    // Runs this check even if another part of the rule is wrong.
    when: ({ value }) => typeof value === "object" && value !== null,
  })
  .meta({ description: "A part that is left out does not narrow the rule." });

const LONGEST_REASON = 200;

const exception = z
  .strictObject({
    users: z
      .strictObject({ uins: listOf(uinRange).optional(), names: listOf(namePattern).optional() })
      .refine((given) => Object.keys(given).length > 0, "must have uins or names")
      .meta({ description: "The excused users. One match is enough." }),
    accounts: listOf(pattern)
      .optional()
      .meta({ description: "The accounts of those users. Default: all accounts." }),
    reason: z
      .string("must be a text")
      .refine((text) => isPrintable(text) && text.length <= LONGEST_REASON, {
        error: `must be a line of 1 to ${LONGEST_REASON} printable characters`,
      })
      .meta({ description: "Plans and reports show it.", minLength: 1, maxLength: LONGEST_REASON }),
    until: z.iso
      .date("must be a date in quotes, as in 2026-12-31")
      .meta({ description: "The last day, in UTC. Afterwards rollouts select these users again." }),
  })
  .meta({ description: "Users whom rollouts leave out until a day." });

/** The schema of a policy file. `schema/policy.schema.json` is its JSON Schema. */
export const policySchema = z
  .strictObject(
    {
      $schema: z.string().optional().meta({ description: "For editors: the address of this schema." }),
      protectedUsers: z.array(uinRange).default([]).meta({
        description:
          "Users that only a caller with the scope cam.mfa:override may change, and only with a reason.",
      }),
      accounts: z.record(z.string().min(1), z.strictObject({ callers })).default({}).meta({
        description: "The callers that may use each account of CAM_ACCOUNTS, for reads and changes.",
      }),
      exceptions: z.array(exception, "must be a list of exceptions").default([]).meta({
        description: "Users whom rollouts leave out for a time. Single changes do not depend on them.",
      }),
      rules: z.array(rule, "must be a list of rules").meta({
        description: "The first rule that matches decides. Without a match, the change is refused.",
      }),
    },
    { error: ({ code }) => (code === "invalid_type" ? "must be an object with rules" : undefined) },
  )
  .superRefine(({ rules }, context) => {
    const ids = rules.map(({ id }) => id);
    for (const id of new Set(ids.filter((id, at) => ids.indexOf(id) !== at))) {
      context.addIssue(`has more than one rule ${id}`);
    }
  });

export type Policy = Omit<z.output<typeof policySchema>, "$schema">;
export type PolicyRule = Policy["rules"][number];
export type PolicyException = Policy["exceptions"][number];
export type CallerPatterns = z.output<typeof callers>;
export type UserPatterns = z.output<typeof users>;

/**
 * Returns whether a text matches a pattern. `*` matches any characters or none. Every other character matches itself.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  if (!pattern.includes("*")) return text === pattern;
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop() ?? "";
  if (!text.startsWith(first) || !text.endsWith(last)) return false;
  const end = text.length - last.length;
  let at = first.length;
  // The leftmost match of each part leaves most room for the parts that follow.
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return at <= end;
}

export function matchesAny(patterns: readonly string[], text: string): boolean {
  return patterns.some((pattern) => matchesGlob(pattern, text));
}

/** A range of Uins that includes both ends. */
export interface UinRange {
  readonly from: bigint;
  readonly to: bigint;
}

/** Parses a Uin, or two Uins with a dash between them. Returns undefined for anything else. */
export function parseUinRange(text: string): UinRange | undefined {
  const [from, to, ...more] = text.split("-").map((part) => parseUin(part));
  if (from === undefined || more.length > 0) return undefined;
  if (!text.includes("-")) return { from: BigInt(from), to: BigInt(from) };
  if (to === undefined || BigInt(to) < BigInt(from)) return undefined;
  return { from: BigInt(from), to: BigInt(to) };
}
