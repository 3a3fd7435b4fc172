/** A queue in which callers take turns. Each caller has a queue of its own, so a busy caller delays only itself. */
export class FairQueue<Item> {
  /** The caller whose turn is next comes first. No queue is empty. */
  #queues = new Map<string, Item[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Returns how many items are served before one that this caller would add now. */
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

  /** Puts an item back that could not use its turn. It is served next. */
  pushFront(caller: string, item: Item): void {
    this.#size += 1;
    const queue = this.#queues.get(caller) ?? [];
    this.#queues.delete(caller);
    this.#queues = new Map([[caller, [item, ...queue]], ...this.#queues]);
  }

  /** Removes and returns the next item that can use its turn. A caller without such an item keeps its turn. */
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

  /** Evicts the last item of the longest queue. Returns undefined where no queue is longer than `most`. */
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

  /** Removes an item. Returns false where the queue does not hold it. */
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
