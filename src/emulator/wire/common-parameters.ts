import type { Language } from "../cam-refusal.ts";
import { refusals } from "../refusals.ts";

const UNIX_SECONDS = /^\d{1,11}$/;

export function parseTimestamp(text: string, parameter: string): number {
  if (!UNIX_SECONDS.test(text)) throw refusals.parameterValue(parameter);
  return Number(text);
}

/** The vendor's default is zh-CN; ours is en-US, because the people who read an emulator's replies read its docs. */
export function parseLanguage(text: string | undefined): Language {
  return text === "zh-CN" ? "zh-CN" : "en-US";
}

/** The UTC date of a timestamp, which a TC3 scope must carry. */
export function utcDate(unixSeconds: number): string {
  return new Date(unixSeconds * 1000).toISOString().slice(0, 10);
}
