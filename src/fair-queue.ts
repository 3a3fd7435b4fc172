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

  /** Returns the items in the order of service. */
  inOrder(): Item[] {
    const items: Item[] = [];
    let queues = [...this.#queues.values()];
    for (let turn = 0; queues.length > 0; turn++) {
      for (const queue of queues) items.push(queue[turn] as Item);
      queues = queues.filter((queue) => queue.length > turn + 1);
    }
    return items;
  }
}

/** The properties of a waiting call that decide its position. */
interface Placed {
  readonly caller: string;
  /** A person waits for an interactive call. */
  readonly priority: "interactive" | "bulk";
}

/**
 * A bounded queue of waiting calls: interactive calls before bulk calls, and within each priority the callers take
 * turns.
 */
export class CallerQueues<Waiter extends Placed> {
  readonly #most: number;
  readonly #interactive = new FairQueue<Waiter>();
  readonly #bulk = new FairQueue<Waiter>();

  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#interactive.size + this.#bulk.size;
  }

  /** Returns how many waiting calls would be served before this call. */
  ahead({ caller, priority }: Placed): number {
    if (priority === "interactive") return this.#interactive.ahead(caller);
    return this.#interactive.size + this.#bulk.ahead(caller);
  }

  lengthOf(place: Placed): number {
    return this.#queueOf(place).lengthOf(place.caller);
  }

  /**
   * Makes room for a call. If the queue is full, an interactive call evicts a bulk call. Otherwise a call evicts one of
   * its own priority: the last call of the longest queue, if that caller then still has as many calls as this one.
   * Returns the evicted call, or false without one.
   */
  makeRoom(place: Placed): { readonly dropped: Waiter | undefined } | false {
    if (this.size < this.#most) return { dropped: undefined };
    const isInteractive = place.priority === "interactive";
    const fair = this.lengthOf(place) + 1;
    const dropped =
      this.#bulk.dropBeyond(isInteractive ? 0 : fair) ??
      (isInteractive ? this.#interactive.dropBeyond(fair) : undefined);
    return dropped === undefined ? false : { dropped };
  }

  push(waiter: Waiter): void {
    this.#queueOf(waiter).push(waiter.caller, waiter);
  }

  pushFront(waiter: Waiter): void {
    this.#queueOf(waiter).pushFront(waiter.caller, waiter);
  }

  /** Returns the next call that can use its turn. A caller whose calls cannot use it keeps the turn. */
  shift(canUse?: (waiter: Waiter) => boolean): Waiter | undefined {
    return this.#interactive.shift(canUse) ?? this.#bulk.shift(canUse);
  }

  /** Returns false if the call is not in the queue. */
  remove(waiter: Waiter): boolean {
    return this.#queueOf(waiter).remove(waiter.caller, waiter);
  }

  /** Returns the waiting calls in the order in which they would be served. */
  inOrder(): Waiter[] {
    return this.#interactive.inOrder().concat(this.#bulk.inOrder());
  }

  #queueOf({ priority }: Placed): FairQueue<Waiter> {
    return priority === "interactive" ? this.#interactive : this.#bulk;
  }
}
