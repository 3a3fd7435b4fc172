import { badInput } from "../bad-input.ts";

export const LONGEST_REASON = 500;

/** A reason as it goes on record: without blanks around it, and undefined where nothing is said. */
export function toReason(text: string | null | undefined): string | undefined {
  const reason = text?.trim() ?? "";
  if (reason === "") return undefined;
  // PostgreSQL's texts have no NUL, and no half of a character.
  if (reason.includes("\0") || !reason.isWellFormed())
    throw badInput('"reason" contains what is no character.');
  if (reason.length > LONGEST_REASON) throw badInput(`"reason" is longer than ${LONGEST_REASON} characters.`);
  return reason;
}
