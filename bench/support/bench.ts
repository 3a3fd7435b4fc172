/** A benchmark: compares programs side by side and prints the figures. */
export interface Bench {
  /** What selects it on the command line. */
  readonly name: string;
  /** What is compared with what, in a line. */
  readonly title: string;
  /** Rejects where a contestant fails or does other work than the others; never for a slow figure. */
  run(options: BenchOptions): Promise<void>;
}

export interface BenchOptions {
  /** Only shows that the benchmark works, in a second or so. */
  readonly smoke: boolean;
  /** Where to write a CPU profile of the gateway; undefined for none. */
  readonly profileDir: string | undefined;
  readonly print: (row: string) => void;
}
