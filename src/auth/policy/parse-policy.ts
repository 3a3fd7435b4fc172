import { type Document, parseDocument } from "yaml";
import type { z } from "zod";
import type { Policy } from "./policy.ts";
import { policySchema } from "./policy-schema.ts";

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
