import { parseDocument } from "yaml";
import type { Policy } from "./policy.ts";
import { policySchema } from "./policy-schema.ts";

/** A policy from the text of its file, JSON or YAML, or everything that is wrong with it. */
export function parsePolicy(
  text: string,
): { readonly policy: Policy } | { readonly problems: readonly string[] } {
  // JSON too: JSON.parse takes the last of two keys without a word, and rounds a Uin.
  const document = parseDocument(text, { intAsBigInt: true, prettyErrors: true });
  const flaws = [...document.errors, ...document.warnings];
  if (flaws.length > 0) return { problems: flaws.map(({ message }) => firstLine(message)) };
  let value: unknown;
  try {
    value = document.toJS();
  } catch (error) {
    // Names that stand for more than a file could hold.
    return { problems: [firstLine((error as Error).message)] };
  }
  const parsed = policySchema.safeParse(value);
  if (parsed.success) return { policy: parsed.data };
  return {
    problems: parsed.error.issues.map(({ path, message }) =>
      [path.map(String).join("."), message].filter(Boolean).join(" "),
    ),
  };
}

/** The rest shows the place in the text, which takes lines of its own. */
function firstLine(message: string): string {
  return (message.split("\n")[0] ?? "").replace(/[:.]$/, "");
}
