import { badInput } from "../bad-input.ts";

export const LONGEST_REASON = 500;

/**
 * Controls, halves of characters, and what turns text around or hides in it: a person who approves a change or reads the
 * record would see something else than it says. Joiners are part of some scripts and of emoji, and stay.
 */
const UNSEEN =
  /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/u;

/** A reason as it goes on record: without blanks around it, and undefined where nothing is said. */
export function toReason(text: string | null | undefined): string | undefined {
  const reason = text?.trim() ?? "";
  if (reason === "") return undefined;
  const unseen = UNSEEN.exec(reason)?.[0];
  if (unseen !== undefined) {
    throw badInput(`"reason" contains ${nameOf(unseen)}, which readers cannot see.`);
  }
  if (reason.length > LONGEST_REASON) throw badInput(`"reason" is longer than ${LONGEST_REASON} characters.`);
  return reason;
}

function nameOf(character: string): string {
  return `U+${character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, "0")}`;
}
