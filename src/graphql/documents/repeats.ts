import { Kind, type SelectionSetNode } from "graphql";
import { MAX_REPEATED_PAIRS, MAX_REPEATS } from "./document-limits.ts";
import type { Fragments } from "./document-weight.ts";

/** Selections that share one place in the answer, and those below them. */
interface Place {
  count: number;
  readonly inner: Places;
}

type Places = Map<string, Place>;

/**
 * Counts how often one place in the answer is selected. GraphQL compares every such selection with every other one and
 * with all that is below it, across fragments. Takes one step for each expanded selection.
 */
export class Repeats {
  readonly #fragments: Fragments;
  #pairs = 0;

  constructor(fragments: Fragments) {
    this.#fragments = fragments;
  }

  /** @returns the response key that is selected too often; undefined where none is. */
  tooMany(selectionSet: SelectionSetNode): string | undefined {
    return this.#count(selectionSet, new Map());
  }

  #count({ selections }: SelectionSetNode, places: Places): string | undefined {
    for (const selection of selections) {
      if (selection.kind !== Kind.FIELD) {
        const inner =
          selection.kind === Kind.INLINE_FRAGMENT
            ? selection.selectionSet
            : this.#fragments.get(selection.name.value)?.selectionSet;
        const found = inner && this.#count(inner, places);
        if (found !== undefined) return found;
        continue;
      }
      const key = (selection.alias ?? selection.name).value;
      const place = places.get(key) ?? { count: 0, inner: new Map() };
      places.set(key, place);
      this.#pairs += place.count;
      place.count += 1;
      if (place.count > MAX_REPEATS || this.#pairs > MAX_REPEATED_PAIRS) return key;
      const found = selection.selectionSet && this.#count(selection.selectionSet, place.inner);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}
