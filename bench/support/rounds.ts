/** A contestant that is measured in rounds. */
export interface Contestant {
  readonly name: string;
  /** Measures one round and returns its figure in the unit of the benchmark. */
  measure(): Promise<number>;
}

/** A contestant's figures, one for each round. */
export interface Series {
  readonly name: string;
  readonly figures: readonly number[];
}

/** Runs one round of all contestants, then the next. Other load on the machine then affects all of them equally. */
export async function measureInTurns(contestants: readonly Contestant[], rounds: number): Promise<Series[]> {
  const series = contestants.map(({ name }) => ({ name, figures: [] as number[] }));
  for (let round = 0; round < rounds; round++) {
    for (const [index, contestant] of contestants.entries()) {
      series[index]?.figures.push(await contestant.measure());
    }
  }
  return series;
}

/** Joins the figures of several measurements of the same contestants. */
export function joinSeries(measurements: readonly (readonly Series[])[]): Series[] {
  const [first = []] = measurements;
  return first.map(({ name }, index) => ({
    name,
    figures: measurements.flatMap((series) => series[index]?.figures ?? []),
  }));
}

/**
 * Divides the figures of two contestants round by round. A slow minute of the machine moves a ratio less than a figure.
 */
export function ratioOf(all: readonly Series[], numerator: string, denominator: string): Series {
  const [above, below] = [numerator, denominator].map((name) => all.find((series) => series.name === name));
  if (above === undefined || below === undefined)
    throw new Error(`${numerator} or ${denominator} was not measured.`);
  const figures = above.figures.map((figure, round) => figure / (below.figures[round] ?? Number.NaN));
  return { name: `${numerator} / ${denominator}`, figures };
}

/** Returns the median; NaN without figures. */
export function median(figures: readonly number[]): number {
  const sorted = [...figures].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const [low = Number.NaN, high = Number.NaN] = [sorted[Math.floor(middle)], sorted[Math.ceil(middle)]];
  return (low + high) / 2;
}

/** Returns the figure that a part of the figures is below; NaN without figures. */
export function quantile(figures: readonly number[], part: number): number {
  const sorted = figures.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}
