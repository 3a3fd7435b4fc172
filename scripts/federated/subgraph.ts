/** One service of a federated graph. */
export interface Subgraph {
  readonly name: string;
  readonly url: string;
  readonly sdl: string;
}

/** One that runs here. */
export interface StartedSubgraph extends Subgraph {
  stop(): Promise<void>;
}
