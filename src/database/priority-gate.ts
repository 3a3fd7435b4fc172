interface Waiting {
  readonly start: () => void;
  readonly isUrgent: boolean;
}

/** Lets one piece of work in at a time, urgent work first, each kind in its order. */
export class PriorityGate {
  readonly #waiting: Waiting[] = [];
  #isBusy = false;

  async run<Result>(isUrgent: boolean, work: () => Promise<Result>): Promise<Result> {
    await this.#enter(isUrgent);
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  #enter(isUrgent: boolean): Promise<void> | undefined {
    if (!this.#isBusy) {
      this.#isBusy = true;
      return undefined;
    }
    const { promise, resolve: start } = Promise.withResolvers<void>();
    this.#waiting.push({ start, isUrgent });
    return promise;
  }

  #leave(): void {
    const urgent = this.#waiting.findIndex(({ isUrgent }) => isUrgent);
    const [next] = this.#waiting.splice(Math.max(0, urgent), 1);
    if (next === undefined) this.#isBusy = false;
    else next.start();
  }
}
