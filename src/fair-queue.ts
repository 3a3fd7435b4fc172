/** A queue in which callers take turns. Each caller has its own queue, so a busy caller delays only itself. */
export class FairQueue<Item> {
  /** The queue of each caller, in the order of turns. A caller without items has no queue. */
  #queues = new Map<string, Item[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Returns the number of items that are served before an item that this caller adds now. */
  ahead(caller: string): number {
    const own = this.#queues.get(caller)?.length ?? 0;
    let ahead = own;
    let beforeOwn = true;
    for (const [other, queue] of this.#queues) {
      if (other === caller) beforeOwn = false;
      else ahead += Math.min(queue.length, beforeOwn ? own + 1 : own);
    }
    return ahead;
  }

  push(caller: string, item: Item): void {
    this.#size += 1;
    const queue = this.#queues.get(caller);
    if (queue === undefined) this.#queues.set(caller, [item]);
    else queue.push(item);
  }

  /** Puts back an item that could not use its turn. The queue serves it next. */
  pushFront(caller: string, item: Item): void {
    this.#size += 1;
    const queue = this.#queues.get(caller) ?? [];
    this.#queues.delete(caller);
    this.#queues = new Map([[caller, [item, ...queue]], ...this.#queues]);
  }

  /** Removes and returns the next item that can use its turn. A caller whose items cannot use a turn keeps it. */
  shift(canUse: (item: Item) => boolean = () => true): Item | undefined {
    for (const [caller, queue] of this.#queues) {
      const item = queue.find(canUse);
      if (item === undefined) continue;
      this.remove(caller, item);
      this.#queues.delete(caller);
      if (queue.length > 0) this.#queues.set(caller, queue);
      return item;
    }
    return undefined;
  }

  /** Evicts and returns the last item of the longest queue. Returns undefined if no queue is longer than `most`. */
  dropBeyond(most: number): Item | undefined {
    let longest: { readonly caller: string; readonly queue: Item[] } | undefined;
    for (const [caller, queue] of this.#queues) {
      if (queue.length > (longest?.queue.length ?? most)) longest = { caller, queue };
    }
    const item = longest?.queue.at(-1);
    if (longest !== undefined && item !== undefined) this.remove(longest.caller, item);
    return item;
  }

  lengthOf(caller: string): number {
    return this.#queues.get(caller)?.length ?? 0;
  }

  /** Removes an item. Returns false if the queue does not hold it. */
  remove(caller: string, item: Item): boolean {
    const queue = this.#queues.get(caller);
    const index = queue?.indexOf(item) ?? -1;
    if (queue === undefined || index < 0) return false;
    queue.splice(index, 1);
    this.#size -= 1;
    if (queue.length === 0) this.#queues.delete(caller);
    return true;
  }

  /** Iterates in the order of service. */
  *[Symbol.iterator](): Generator<Item> {
    let queues = [...this.#queues.values()].map((queue) => queue.values());
    while (queues.length > 0) {
      const remaining: typeof queues = [];
      for (const queue of queues) {
        const { value, done } = queue.next();
        if (done) continue;
        yield value;
        remaining.push(queue);
      }
      queues = remaining;
    }
  }
}
