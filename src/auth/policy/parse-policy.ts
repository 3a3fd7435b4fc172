import { type Document, parseDocument } from "yaml";
import type { z } from "zod";
import { type Policy, policySchema } from "./policy.ts";

/** Parses the text of a policy file, YAML or JSON. Returns the policy, or every problem. */
export function parsePolicy(
  text: string,
): { readonly policy: Policy } | { readonly problems: readonly string[] } {
  const damaged = text.split("\n").findIndex((line) => line.includes("\uFFFD"));
  if (damaged !== -1) {
    return { problems: [`line ${damaged + 1} has U+FFFD, the mark of letters that a conversion has lost`] };
  }
  // The YAML parser reads JSON too. JSON.parse would silently take the last of two equal keys, and round a Uin.
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
    // Nested aliases expand beyond the parser's limit.
    return { problem: firstLine((error as Error).message) };
  }
}

/** Returns the message of an issue without a message in the schema. */
function explain(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === "unrecognized_keys") {
    return `must not have ${issue.keys.join(", ")}, which means nothing here`;
  }
  if (issue.code !== "invalid_type") return undefined;
  if (issue.input === undefined) return "is missing";
  return `must be ${KINDS[issue.expected] ?? "an object"}`;
}

const KINDS: Readonly<Record<string, string>> = { string: "a text", array: "a list" };

/** Describes a problem and its place. Names a rule by its id, which an operator finds more easily than an index. */
function describe({ path, message }: z.core.$ZodIssue, content: unknown): string {
  const [list, at, ...within] = path;
  const rules = (content as { readonly rules?: unknown } | null)?.rules;
  const rule: unknown = list === "rules" && Array.isArray(rules) ? rules[Number(at)] : undefined;
  const id = (rule as { readonly id?: unknown } | null | undefined)?.id;
  const place = typeof id === "string" ? [`rule ${id}:`, within.join(".")] : [path.join(".")];
  return [...place, message].filter(Boolean).join(" ");
}

/** Returns the first line of a parser's message. The further lines repeat the text of the file. */
function firstLine(message: string): string {
  return (message.split("\n")[0] ?? "").replace(/[:.]$/, "");
}
