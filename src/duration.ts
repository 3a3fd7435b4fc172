/** The units of a duration with their seconds. */
const UNITS = [
  ["d", 86_400],
  ["h", 3_600],
  ["min", 60],
] as const;

/** Returns a duration, such as "4 min", for people. */
export function durationOf(seconds: number): string {
  const [unit, size] = UNITS.find(([, length]) => seconds >= 2 * length) ?? ["s", 1];
  return `${Math.ceil(seconds / size)} ${unit}`;
}
