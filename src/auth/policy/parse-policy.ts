import { type Document, parseDocument } from "yaml";
import { z } from "zod";
import { DAYS, hoursOf, isTimeZone } from "./hours.ts";
import { matchesGlob, parseUinRange, type UinRange } from "./patterns.ts";
import { type Policy, SWITCHES } from "./policy.ts";

/** A policy from the text of its file, YAML or JSON, or everything that is wrong with it. */
export function parsePolicy(
  text: string,
): { readonly policy: Policy } | { readonly problems: readonly string[] } {
  const damaged = text.split("\n").findIndex((line) => line.includes("\uFFFD"));
  if (damaged !== -1) {
    return { problems: [`line ${damaged + 1} has U+FFFD, the mark of letters that a conversion has lost`] };
  }
  // JSON too: JSON.parse takes the last of two keys without a word, and rounds a Uin.
  const document = parseDocument(text, { intAsBigInt: true });
  const flaws = [...document.errors, ...document.warnings];
  if (flaws.length > 0) return { problems: flaws.map(({ message }) => firstLine(message)) };
  const content = contentOf(document);
  if ("problem" in content) return { problems: [content.problem] };
  const parsed = policySchema.safeParse(content.value, { error: explain });
  if (parsed.success) return { policy: parsed.data };
  return { problems: parsed.error.issues.map((issue) => describe(issue, content.value)) };
}

function contentOf(document: Document): { readonly value: unknown } | { readonly problem: string } {
  try {
    return { value: document.toJS() };
  } catch (error) {
    // Names that stand for names, for more than a file could hold.
    return { problem: firstLine((error as Error).message) };
  }
}

/** Where the schema has no words of its own. */
function explain(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === "unrecognized_keys") {
    return `must not have ${issue.keys.join(", ")}, which means nothing here`;
  }
  if (issue.code !== "invalid_type") return undefined;
  if (issue.input === undefined) return "is missing";
  return `must be ${KINDS[issue.expected] ?? "an object"}`;
}

const KINDS: Readonly<Record<string, string>> = { string: "a text", array: "a list" };

/** What is wrong with a rule names it: counting to the twelfth is no way to find one. */
function describe({ path, message }: z.core.$ZodIssue, content: unknown): string {
  const [list, at, ...within] = path;
  const rules = (content as { readonly rules?: unknown } | null)?.rules;
  const rule: unknown = list === "rules" && Array.isArray(rules) ? rules[Number(at)] : undefined;
  const id = (rule as { readonly id?: unknown } | null | undefined)?.id;
  const place = typeof id === "string" ? [`rule ${id}:`, within.join(".")] : [path.join(".")];
  return [...place, message].filter(Boolean).join(" ");
}

/** The rest shows the place in the text, which takes lines of its own. */
function firstLine(message: string): string {
  return (message.split("\n")[0] ?? "").replace(/[:.]$/, "");
}

/** An empty list would match nobody, and is more likely a mistake. */
const listOf = <Entry extends z.ZodType>(entry: Entry) => z.array(entry).min(1, "is an empty list");

/** A whole number, which the file is read with as a bigint, since a Uin may be one. */
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
    description: 'A Uin, or two with a dash between them, both included: "100021969091-100021969099".',
  });

const pattern = z
  .string("must be texts, in which * stands for any characters")
  .min(1, "has an empty pattern")
  .meta({ id: "pattern", description: "A text in which * stands for any characters or none." });

/** Names are shown in more than one way by the same characters, so both sides are brought to one form. */
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
      `has ${JSON.stringify(input)}, which is no switch: for example login.phone.on, or *.off`,
  })
  .meta({
    description: "protection.method.on or .off, with * for any: login.phone.on, *.off",
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
    to: time.meta({ description: "Not included; 24:00 is the end of the day." }),
  })
  .refine(({ from, to }) => from < to, "must begin before they end; a night is two rules")
  .meta({ description: "When it holds, by the clocks of a time zone. At all times without it." })
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
    description: "Whose changes it is about; all that are given have to match. Everybody's without it.",
  });

const users = z
  .strictObject({
    uins: listOf(uinRange).optional(),
    names: listOf(namePattern).optional(),
    tags: listOf(tag).optional(),
  })
  .refine((given) => Object.keys(given).length > 0, "must have uins, names or tags")
  .meta({ description: "Whose protection it is about; one match is enough. Every user's without it." });

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
  .meta({ description: "The two-person rule: the change is made once another caller agrees, in this time." });

const rule = z
  .strictObject({
    id: z
      .string("must be a text")
      .regex(/^[\w.-]{1,64}$/, "must be 1 to 64 letters, digits, dots, dashes or underscores")
      .meta({ description: "What callers whom it refuses are told." }),
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
    // Said even where something else is wrong as well.
    when: ({ value }) => typeof value === "object" && value !== null,
  })
  .meta({ description: "What is left out does not narrow it." });

/** The file of a policy. Its JSON Schema is `schema/policy.schema.json`. */
export const policySchema = z
  .strictObject(
    {
      $schema: z.string().optional().meta({ description: "For editors: where this schema is." }),
      protectedUsers: z
        .array(uinRange)
        .default([])
        .meta({ description: "Changed only by who may override it (cam.mfa:override), for a reason." }),
      accounts: z
        .record(z.string().min(1), z.strictObject({ callers }))
        .default({})
        .meta({ description: "Who may use which account of CAM_ACCOUNTS, to read and to change." }),
      rules: z
        .array(rule, "must be a list of rules")
        .meta({ description: "The first that matches decides. What none allows is refused." }),
    },
    { error: ({ code }) => (code === "invalid_type" ? "must be an object with rules" : undefined) },
  )
  .superRefine(({ rules }, context) => {
    const ids = rules.map(({ id }) => id);
    for (const id of new Set(ids.filter((id, at) => ids.indexOf(id) !== at))) {
      context.addIssue(`has more than one rule ${id}`);
    }
  });
