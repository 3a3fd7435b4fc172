/** A line for each caller, and the callers take turns: whoever asks for much waits behind himself alone. */
export class FairQueue<Item> {
  /** Whose turn is next comes first. No line is empty. */
  #lines = new Map<string, Item[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** How many come before an item that this caller adds now, if nobody else adds one. */
  ahead(caller: string): number {
    const own = this.#lines.get(caller)?.length ?? 0;
    let ahead = own;
    let beforeOwn = true;
    for (const [other, line] of this.#lines) {
      if (other === caller) beforeOwn = false;
      else ahead += Math.min(line.length, beforeOwn ? own + 1 : own);
    }
    return ahead;
  }

  push(caller: string, item: Item): void {
    this.#size += 1;
    const line = this.#lines.get(caller);
    if (line === undefined) this.#lines.set(caller, [item]);
    else line.push(item);
  }

  /** For an item that had its turn and could not use it: it is next. */
  pushFront(caller: string, item: Item): void {
    this.#size += 1;
    const line = this.#lines.get(caller) ?? [];
    this.#lines.delete(caller);
    this.#lines = new Map([[caller, [item, ...line]], ...this.#lines]);
  }

  /** Whose turn it is, and his first item that can use it. Who has none keeps his turn. */
  shift(canUse: (item: Item) => boolean = () => true): Item | undefined {
    for (const [caller, line] of this.#lines) {
      const item = line.find(canUse);
      if (item === undefined) continue;
      this.remove(caller, item);
      this.#lines.delete(caller);
      if (line.length > 0) this.#lines.set(caller, line);
      return item;
    }
    return undefined;
  }

  /** Of the caller who has most, the item that would come last; undefined where nobody has more than `most`. */
  dropBeyond(most: number): Item | undefined {
    let longest: { readonly caller: string; readonly line: Item[] } | undefined;
    for (const [caller, line] of this.#lines) {
      if (line.length > (longest?.line.length ?? most)) longest = { caller, line };
    }
    const item = longest?.line.at(-1);
    if (longest !== undefined && item !== undefined) this.remove(longest.caller, item);
    return item;
  }

  lengthOf(caller: string): number {
    return this.#lines.get(caller)?.length ?? 0;
  }

  /** @returns false where it is not there (any more). */
  remove(caller: string, item: Item): boolean {
    const line = this.#lines.get(caller);
    const index = line?.indexOf(item) ?? -1;
    if (line === undefined || index < 0) return false;
    line.splice(index, 1);
    this.#size -= 1;
    if (line.length === 0) this.#lines.delete(caller);
    return true;
  }

  /** In the order in which they would be served. */
  *[Symbol.iterator](): Generator<Item> {
    let lines = [...this.#lines.values()].map((line) => line.values());
    while (lines.length > 0) {
      const goOn: typeof lines = [];
      for (const line of lines) {
        const { value, done } = line.next();
        if (done) continue;
        yield value;
        goOn.push(line);
      }
      lines = goOn;
    }
  }
}
