import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { Link } from "wouter";
import type { MfaCoverage, SubUserDirectoryOrderField } from "../../../client/index.ts";
import { useGateway } from "./gateway.ts";
import { Problem } from "./problem.tsx";
import { ScanNotice } from "./scan-status.tsx";
import { type UserFilters, UserFiltersForm, type UserSearch, userFilterOf } from "./user-filters.tsx";
import { UserTable } from "./user-table.tsx";

const PAGE_SIZE = 50;

/** The time without typing after which the page searches. */
const TYPING_PAUSE_MS = 200;

interface UsersPageProps {
  /** Kept by the console, so that the visitor finds the same list on return from a user. */
  readonly search: UserSearch;
  readonly onSearch: (search: UserSearch) => void;
}

/** All users that the gateway knows: coverage at a glance, search as you type, filters, sort and paging. */
export function UsersPage({ search, onSearch }: UsersPageProps) {
  const { filters, order, cursors } = search;
  const { client } = useGateway();
  const settled = usePaused(filters);
  const after = cursors.at(-1) ?? null;
  const users = useQuery({
    queryKey: ["subUserDirectory", settled, order, after],
    queryFn: ({ signal }) =>
      client.subUserDirectory(
        { ...userFilterOf(settled), orderBy: order, first: PAGE_SIZE, after },
        { signal },
      ),
    placeholderData: keepPreviousData,
  });
  const coverage = useQuery({
    queryKey: ["mfaCoverage"],
    queryFn: ({ signal }) => client.mfaCoverage({}, { signal }),
  });

  function sortBy(field: SubUserDirectoryOrderField): void {
    const isAscending = order.field === field && order.direction === "ASC";
    onSearch({ filters, order: { field, direction: isAscending ? "DESC" : "ASC" }, cursors: [] });
  }

  const setFilters = (next: UserFilters) => onSearch({ filters: next, order, cursors: [] });
  const from = cursors.length * PAGE_SIZE;
  const { pageInfo, totalCount = 0, edges = [] } = users.data ?? {};
  return (
    <>
      <h1>Users</h1>
      <ScanNotice />
      {coverage.data && (
        <AtAGlance coverage={coverage.data} onLogin={(login) => setFilters({ ...filters, login })} />
      )}
      <UserFiltersForm
        filters={filters}
        accounts={coverage.data?.map(({ account }) => account) ?? []}
        onFilters={setFilters}
      />
      {users.error !== null && <Problem error={users.error} />}
      {users.data && (
        <>
          <div className="card-line">
            <p role="status" className="quiet">
              {totalCount === 0
                ? "No user matches."
                : `${from + 1} to ${from + edges.length} of ${totalCount.toLocaleString()}`}
            </p>
            {totalCount > 0 && <Link href="/rollouts/new">Plan a rollout for these users</Link>}
          </div>
          {edges.length > 0 && (
            <UserTable users={edges.map(({ node }) => node)} order={order} onSort={sortBy} />
          )}
        </>
      )}
      <div className="buttons">
        <button
          type="button"
          disabled={cursors.length === 0}
          onClick={() => onSearch({ filters, order, cursors: cursors.slice(0, -1) })}
        >
          Previous page
        </button>
        <button
          type="button"
          disabled={!pageInfo?.hasNextPage}
          onClick={() => onSearch({ filters, order, cursors: [...cursors, pageInfo?.endCursor ?? ""] })}
        >
          Next page
        </button>
      </div>
    </>
  );
}

/** Returns the value after the visitor paused, so that typing a word sends one request. */
function usePaused<Value>(value: Value): Value {
  const [paused, setPaused] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setPaused(value), TYPING_PAUSE_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return paused;
}

interface AtAGlanceProps {
  readonly coverage: readonly MfaCoverage[];
  readonly onLogin: (login: UserFilters["login"]) => void;
}

/** The users of all accounts by login protection. Each number filters the list. */
function AtAGlance({ coverage, onLogin }: AtAGlanceProps) {
  const total = (state: "protected" | "unprotected" | "unknown") =>
    coverage.reduce((sum, { login }) => sum + login[state], 0);
  const numbers = [
    ["protected", "PROTECTED", "with login protection"],
    ["unprotected", "UNPROTECTED", "without login protection"],
    ["unknown", "UNKNOWN", "not known yet"],
  ] as const;
  return (
    <div className="glance">
      {numbers.map(([state, value, text]) => (
        <button key={state} type="button" className={`number ${state}`} onClick={() => onLogin(value)}>
          <strong>{total(state).toLocaleString()}</strong> {text}
        </button>
      ))}
    </div>
  );
}
