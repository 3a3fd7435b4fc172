import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { Link } from "wouter";
import type {
  DirectoryUser,
  MfaCoverage,
  ProtectionState,
  SubUserDirectoryOrder,
  SubUserDirectoryOrderField,
} from "../../../client/index.ts";
import { Problem, useGateway } from "./gateway.tsx";
import { ScanNotice } from "./scan-status.tsx";
import { STATE_TITLES, STRENGTH_TITLES, timeOf } from "./texts.ts";
import { type UserFilters, UserFiltersForm, type UserSearch, userFilterOf } from "./user-filters.tsx";

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
  const { filters, order } = search;
  const { client } = useGateway();
  const settled = useTypingPause(search);
  const users = useQuery({
    queryKey: ["subUserDirectory", userFilterOf(settled.filters), settled.order, settled.cursors],
    queryFn: async ({ signal }) => {
      const { filters, order: orderBy, cursors } = settled;
      const input = { ...userFilterOf(filters), orderBy, first: PAGE_SIZE, after: cursors.at(-1) ?? null };
      return { ...(await client.subUserDirectory(input, { signal })), cursors };
    },
    placeholderData: keepPreviousData,
  });
  const coverage = useQuery({
    queryKey: ["mfaCoverage"],
    queryFn: ({ signal }) => client.mfaCoverage({}, { signal }),
  });
  // The rows of the search before stay until those of this search arrive. Their cursors do not fit this search.
  const isLoading = users.isPlaceholderData || settled !== search;
  const top = useRef<HTMLDivElement>(null);

  function sortBy(field: SubUserDirectoryOrderField): void {
    const isAscending = order.field === field && order.direction === "ASC";
    onSearch({ filters, order: { field, direction: isAscending ? "DESC" : "ASC" }, cursors: [] });
  }

  function turnTo(cursors: readonly string[]): void {
    onSearch({ filters, order, cursors });
    top.current?.scrollIntoView();
  }

  const setFilters = (next: UserFilters) => onSearch({ filters: next, order, cursors: [] });
  const { pageInfo, totalCount = 0, edges = [], cursors = [] } = users.data ?? {};
  const from = cursors.length * PAGE_SIZE;
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
        <div ref={top} aria-busy={isLoading}>
          {totalCount > 0 && <Link href="/rollouts/new">Plan a rollout for these users</Link>}
          {edges.length > 0 && (
            <UserTable users={edges.map(({ node }) => node)} order={order} onSort={sortBy} />
          )}
        </div>
      )}
      <div className="buttons paging">
        {users.data && (
          <p role="status" className="quiet">
            {totalCount === 0
              ? "No user matches."
              : `${(from + 1).toLocaleString()} to ${(from + edges.length).toLocaleString()} of ${totalCount.toLocaleString()}`}
          </p>
        )}
        <PageButton
          title="Previous page"
          isLoading={isLoading}
          cursors={cursors.length > 0 ? cursors.slice(0, -1) : undefined}
          onTurn={turnTo}
        />
        <PageButton
          title="Next page"
          isLoading={isLoading}
          cursors={pageInfo?.hasNextPage ? [...cursors, pageInfo.endCursor ?? ""] : undefined}
          onTurn={turnTo}
        />
      </div>
    </>
  );
}

interface PageButtonProps {
  readonly title: string;
  readonly isLoading: boolean;
  /** Of the page that the button opens. Undefined: there is none. */
  readonly cursors: readonly string[] | undefined;
  readonly onTurn: (cursors: readonly string[]) => void;
}

/** Opens another page. The button keeps the focus at the end of the list and while a page loads. */
function PageButton({ title, isLoading, cursors, onTurn }: PageButtonProps) {
  const turn = () => cursors && !isLoading && onTurn(cursors);
  return (
    <button type="button" aria-disabled={cursors === undefined} onClick={turn}>
      {title}
    </button>
  );
}

/**
 * Returns the search text after a pause in typing, so that a word sends one request. Other filters apply immediately.
 */
function useTypingPause(search: UserSearch): UserSearch {
  const [settled, setSettled] = useState(search);
  const text = search.filters.search;
  const isTyping = text !== "" && text !== settled.filters.search;
  useEffect(() => {
    const timer = setTimeout(() => setSettled(search), isTyping ? TYPING_PAUSE_MS : 0);
    return () => clearTimeout(timer);
  }, [search, isTyping]);
  return isTyping ? settled : search;
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

/** The columns, with the field that sorts them. */
const COLUMNS: readonly (readonly [string, SubUserDirectoryOrderField | undefined])[] = [
  ["Name", "NAME"],
  ["Account", undefined],
  ["Login", undefined],
  ["Operation", undefined],
  ["Strength", "STRENGTH"],
  ["Last login", "LAST_LOGIN"],
  ["Read", "PROTECTIONS_AS_OF"],
];

const ARIA_SORT = { ASC: "ascending", DESC: "descending" } as const;

interface UserTableProps {
  readonly users: readonly DirectoryUser[];
  readonly order: SubUserDirectoryOrder;
  readonly onSort: (field: SubUserDirectoryOrderField) => void;
}

/** Users with what the gateway knows of them. In a narrow window each row is a card. */
function UserTable({ users, order, onSort }: UserTableProps) {
  return (
    <table className="users">
      <thead>
        <tr>
          {COLUMNS.map(([title, field]) => (
            <th
              key={title}
              scope="col"
              aria-sort={field === order.field ? ARIA_SORT[order.direction ?? "ASC"] : undefined}
            >
              {field === undefined ? (
                title
              ) : (
                <button type="button" className="sort" onClick={() => onSort(field)}>
                  {title}
                </button>
              )}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {users.map((user) => (
          <UserRow key={user.id} user={user} />
        ))}
      </tbody>
    </table>
  );
}

function UserRow({ user }: { readonly user: DirectoryUser }) {
  const { account, opUin, name, remark, loginProtection, actionProtection } = user;
  const { strength, lastLoginTime, protectionsAsOf } = user;
  return (
    <tr>
      <th scope="row">
        <Link href={`/users/${encodeURIComponent(account)}/${opUin}`}>{name || opUin}</Link>
        {remark && <span className="quiet remark">{remark}</span>}
      </th>
      <td data-label="Account">{account}</td>
      <td data-label="Login">
        <State state={loginProtection} />
      </td>
      <td data-label="Operation">
        <State state={actionProtection} />
      </td>
      <td data-label="Strength">{strength && STRENGTH_TITLES[strength]}</td>
      <td data-label="Last login">{lastLoginTime ?? "—"}</td>
      <td data-label="Read">{protectionsAsOf === null ? "not yet" : timeOf(protectionsAsOf)}</td>
    </tr>
  );
}

function State({ state }: { readonly state: ProtectionState | null }) {
  const known = state ?? "UNKNOWN";
  return <span className={`pill ${known.toLowerCase()}`}>{STATE_TITLES[known]}</span>;
}
