import { median, type Series } from "./rounds.ts";

/** The target of a ratio. */
export type Target = { readonly atLeast: number } | { readonly atMost: number };

/** Formats the median and range of one contestant. */
export function figureRow({ name, figures }: Series, unit: string): string {
  return `${name.padEnd(36)} ${shown(median(figures)).padStart(8)} ${unit}  ${range(figures)}`;
}

/** Formats the median of a ratio and whether it meets its target. A smoke run does not judge. */
export function ratioRow({ name, figures }: Series, target?: Target, options?: { smoke: boolean }): string {
  const ratio = median(figures);
  const row = `${name.padEnd(36)} ${shown(ratio).padStart(8)} times  ${range(figures)}`;
  return target === undefined ? row : `${row}  ${verdict(ratio, target, options?.smoke ?? false)}`;
}

/** Formats a figure with a target and without a contestant. */
export function verdict(figure: number, target: Target, smoke: boolean): string {
  const [wanted, met] =
    "atLeast" in target
      ? [`at least ${target.atLeast}`, figure >= target.atLeast]
      : [`at most ${target.atMost}`, figure <= target.atMost];
  return `target ${wanted}: ${smoke ? "not judged" : met ? "met" : "MISSED"}`;
}

function range(figures: readonly number[]): string {
  return `(${shown(Math.min(...figures))} to ${shown(Math.max(...figures))})`;
}

/** Formats a figure with two significant digits, because the noise is larger than the third. */
function shown(figure: number): string {
  if (Math.abs(figure) >= 100) return figure.toFixed(0);
  return figure.toFixed(Math.abs(figure) >= 10 ? 1 : 2);
}
