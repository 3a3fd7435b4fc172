import { z } from "zod";
import { matchesGlob } from "./glob.ts";
import { DAYS, isTimeZone } from "./hours.ts";
import type { Policy } from "./policy.ts";
import { SWITCHES } from "./switch.ts";
import { parseUinRange, type UinRange } from "./uin-range.ts";

const uinRange = z.string().transform((text, context): UinRange => {
  const range = parseUinRange(text);
  if (range !== undefined) return range;
  context.addIssue(`has ${JSON.stringify(text)}, which is neither a Uin nor two with a dash between them`);
  return z.NEVER;
});

/** An empty list would match nobody, and is more likely a mistake. */
const listOf = <Entry extends z.ZodType>(entry: Entry) => z.array(entry).min(1, "is an empty list");

const pattern = z.string().min(1, "has an empty pattern");

const switchPattern = z.string().refine((text) => SWITCHES.some((name) => matchesGlob(text, name)), {
  error: ({ input }) =>
    `has ${JSON.stringify(input)}, which is no switch: for example login.phone.on, or *.off`,
});

const time = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$|^24:00$/, "must be a time as in 09:30");

const hours = z
  .strictObject({
    timeZone: z.string().refine(isTimeZone, "must be a time zone as in Asia/Shanghai"),
    days: listOf(z.enum(DAYS)).optional(),
    from: time,
    to: time,
  })
  .refine(({ from, to }) => from < to, "must begin before they end; a night is two rules");

const rule = z.strictObject({
  id: z.string().regex(/^[\w.-]{1,64}$/, "must be 1 to 64 letters, digits, dots, dashes or underscores"),
  effect: z.enum(["allow", "deny"]),
  callers: z
    .strictObject({
      subjects: listOf(pattern).optional(),
      clients: listOf(pattern).optional(),
      issuers: listOf(pattern).optional(),
    })
    .optional(),
  users: z
    .strictObject({
      uins: listOf(uinRange).optional(),
      names: listOf(pattern).optional(),
      tags: listOf(
        z.string().regex(/^[\p{L}\p{N}_-]+$/u, "must be tags without the #: letters, digits, - or _"),
      ).optional(),
    })
    .refine((users) => Object.keys(users).length > 0, "must have uins, names or tags")
    .optional(),
  switches: listOf(switchPattern).optional(),
  hours: hours.optional(),
});

const policy = z
  .strictObject({ protectedUsers: z.array(uinRange).default([]), rules: z.array(rule) })
  .superRefine(({ rules }, context) => {
    const ids = rules.map(({ id }) => id);
    for (const id of new Set(ids.filter((id, at) => ids.indexOf(id) !== at))) {
      context.addIssue(`has more than one rule ${id}`);
    }
  });

/** A policy from the text of its file, or everything that is wrong with it. */
export function parsePolicy(
  text: string,
): { readonly policy: Policy } | { readonly problems: readonly string[] } {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return { problems: ['must be JSON: {"rules": [{"id", "effect"}]}'] };
  }
  const parsed = policy.safeParse(json);
  if (parsed.success) return { policy: parsed.data };
  return {
    problems: parsed.error.issues.map(({ path, message }) =>
      [path.join("."), message].filter(Boolean).join(" "),
    ),
  };
}
