import { type QueryKey, useInfiniteQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import type { CallOptions, PageInfo } from "../../../client/index.ts";
import { Problem } from "./problem.tsx";

/** The arguments of a page: its size and the end of the page before. */
interface PageInput {
  readonly first: number;
  readonly after: string | null;
}

/**
 * Reads a list of the gateway a page at a time.
 * @param pollMs Reads the list again at this interval. Undefined: not.
 */
export function usePages<Page extends { readonly pageInfo: PageInfo }>(
  queryKey: QueryKey,
  load: (input: PageInput, options: CallOptions) => Promise<Page>,
  pollMs?: number,
) {
  return useInfiniteQuery({
    queryKey,
    refetchInterval: pollMs ?? false,
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) => load({ first: 50, after: pageParam }, { signal }),
    getNextPageParam: ({ pageInfo }) => (pageInfo.hasNextPage ? pageInfo.endCursor : undefined),
  });
}

interface PagesProps {
  readonly error: Error | null;
  readonly isPending: boolean;
  readonly hasNextPage: boolean;
  readonly isFetchingNextPage: boolean;
  readonly fetchNextPage: () => unknown;
  readonly children: ReactNode;
}

/** A list that grows by a page at a time. */
export function Pages({
  error,
  isPending,
  hasNextPage,
  isFetchingNextPage,
  fetchNextPage,
  children,
}: PagesProps) {
  return (
    <>
      {error !== null && <Problem error={error} />}
      {isPending && <p role="status">Loading…</p>}
      {children}
      {hasNextPage && (
        <button type="button" disabled={isFetchingNextPage} onClick={() => fetchNextPage()}>
          Show more
        </button>
      )}
    </>
  );
}
