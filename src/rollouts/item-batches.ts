/**
 * The most items in one statement. A statement times out after five seconds, and a rollout can have 100,000 users.
 */
export const ITEM_BATCH = 5_000;

/**
 * Yields the items of a rollout in order, page by page.
 * @param read Returns the items that follow the given position.
 */
export async function* itemPages<Item extends { readonly item: number }>(
  read: (after: number) => Promise<readonly Item[]>,
): AsyncGenerator<readonly Item[]> {
  for (let after = 0; ; ) {
    const items = await read(after);
    const last = items.at(-1);
    if (last === undefined) return;
    yield items;
    after = last.item;
  }
}

/**
 * Repeats a statement until it writes fewer than ITEMS_AT_ONCE items. @param write Returns the items that it wrote.
 */
export async function writeInBatches(write: () => Promise<readonly unknown[]>): Promise<void> {
  while ((await write()).length === ITEM_BATCH);
}
