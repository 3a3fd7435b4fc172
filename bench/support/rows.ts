import { median, type Series } from "./rounds.ts";

/** What a ratio is meant to be. */
export type Target = { readonly atLeast: number } | { readonly atMost: number };

/** One contestant's median, with the range of its rounds. */
export function figureRow({ name, figures }: Series, unit: string): string {
  return `${name.padEnd(36)} ${shown(median(figures)).padStart(8)} ${unit}  ${range(figures)}`;
}

/** The median of a ratio and how it stands to its target. A smoke run judges nothing. */
export function ratioRow({ name, figures }: Series, target?: Target, options?: { smoke: boolean }): string {
  const ratio = median(figures);
  const row = `${name.padEnd(36)} ${shown(ratio).padStart(8)} times  ${range(figures)}`;
  return target === undefined ? row : `${row}  ${verdict(ratio, target, options?.smoke ?? false)}`;
}

/** A figure that has a target and nothing to be compared with. */
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

/** Three digits are more than the noise leaves. */
function shown(figure: number): string {
  if (Math.abs(figure) >= 100) return figure.toFixed(0);
  return figure.toFixed(Math.abs(figure) >= 10 ? 1 : 2);
}
