import type { ReactNode } from "react";
import { Problem } from "./problem.tsx";

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
