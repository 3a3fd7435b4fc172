/** A benchmark: compares programs side by side and prints the figures. */
export interface Bench {
  /** The name on the command line. */
  readonly name: string;
  /** The compared programs and the measured figure, in one line. */
  readonly title: string;
  /** Rejects if a contestant fails or does other work than the others. Never rejects for a slow figure. */
  run(options: BenchOptions): Promise<void>;
}

export interface BenchOptions {
  /** Only shows that the benchmark works, in about a second. */
  readonly smoke: boolean;
  /** The folder for a CPU profile of the gateway; undefined for none. */
  readonly profileDir: string | undefined;
  readonly print: (row: string) => void;
}
