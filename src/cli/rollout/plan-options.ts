import { InvalidArgumentError } from "commander";
import type { MaxFailuresInput, MfaRolloutWindowInput } from "../../client/index.ts";

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"] as const;

/** Parses a number of users or a percentage. */
export function parseMaxFailures(text: string): MaxFailuresInput {
  const [, number, percent] = /^(\d+(?:\.\d+)?)(%?)$/.exec(text.trim()) ?? [];
  const value = Number(number);
  if (percent === "%" && value <= 100) return { percent: value };
  if (percent === "" && Number.isSafeInteger(value)) return { count: value };
  throw new InvalidArgumentError("Give a number of users such as 5, or a percentage such as 2.5%.");
}

/** Parses the sizes of waves. */
export function parseWaves(text: string): readonly number[] {
  const sizes = text.split(",").map((size) => size.trim());
  if (sizes.every((size) => /^[1-9]\d{0,8}$/.test(size))) return sizes.map(Number);
  throw new InvalidArgumentError("Give numbers of users such as 10,100.");
}

/** Parses a time window. The gateway checks the time zone. */
export function parseWindow(text: string): MfaRolloutWindowInput {
  const [, days, from, to, timeZone] =
    /^(?:(\S+)\s+)?(\d\d:\d\d)-(\d\d:\d\d)\s+([A-Za-z_/+\-\d]+)$/.exec(text.trim()) ?? [];
  if (from === undefined || to === undefined || timeZone === undefined) {
    throw new InvalidArgumentError(
      "Give days, times and a time zone, such as 'Mon-Fri 09:00-17:00 Asia/Shanghai'.",
    );
  }
  return { days: days === undefined ? undefined : parseDays(days), from, to, timeZone };
}

/** Parses days such as "Mon-Fri" or "Sat,Sun". */
function parseDays(text: string): readonly string[] {
  return text.split(",").flatMap((part) => {
    const [first = "", last = first] = part.split("-");
    const [from, to] = [first, last].map((day) =>
      DAYS.findIndex((name) => name.toLowerCase() === day.toLowerCase()),
    );
    if (from === undefined || to === undefined || from === -1 || to < from) {
      throw new InvalidArgumentError(`Give days as ${DAYS.join(", ")}, such as Mon-Fri or Sat,Sun.`);
    }
    return DAYS.slice(from, to + 1);
  });
}
