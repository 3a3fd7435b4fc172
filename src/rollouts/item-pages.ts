/** The items of one statement. A statement ends after five seconds, and a rollout can have 100,000 users. */
export const ITEMS_AT_ONCE = 5_000;

/**
 * Yields the items of a rollout in order, page by page.
 * @param read Returns the next items after the place of one.
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

/** Runs a statement until it writes fewer items than it may. @param write Returns the items that it wrote. */
export async function writeAll(write: () => Promise<readonly unknown[]>): Promise<void> {
  while ((await write()).length === ITEMS_AT_ONCE);
}
