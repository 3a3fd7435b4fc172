export const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"] as const;

/** Times of the week in a policy file. */
export interface HoursOfZone {
  /** An IANA name, for example `Asia/Shanghai`. */
  readonly timeZone: string;
  /** Default: every day. */
  readonly days?: readonly (typeof DAYS)[number][] | undefined;
  /** The first minute, `HH:MM`. */
  readonly from: string;
  /** The end, `HH:MM`, which is not included. `24:00` is the end of the day. */
  readonly to: string;
}

/** Times of the week with a formatter of their time zone. */
export interface Hours extends Omit<HoursOfZone, "timeZone"> {
  /** Formats day and minute. The policy keeps it, because its creation takes longer than a whole decision. */
  readonly clock: Intl.DateTimeFormat;
}

/** Adds the formatter of the time zone. @throws RangeError for an unknown time zone. */
export function hoursOf({ timeZone, ...same }: HoursOfZone): Hours {
  const time = { weekday: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
  return { ...same, clock: new Intl.DateTimeFormat("en-US", { timeZone, ...time }) };
}

/** Returns whether a moment is within the hours. @param atMs milliseconds since the Unix epoch. */
export function isWithin({ clock, days, from, to }: Hours, atMs: number): boolean {
  const parts = clock.formatToParts(atMs);
  const partOf = (type: Intl.DateTimeFormatPartTypes): string =>
    parts.find((part) => part.type === type)?.value ?? "";
  const time = `${partOf("hour")}:${partOf("minute")}`;
  const isOnDay = days === undefined || days.some((day) => day === partOf("weekday"));
  return isOnDay && from <= time && time < to;
}

export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en-US", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
