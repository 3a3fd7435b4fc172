import { Link } from "wouter";
import type {
  DirectoryUser,
  ProtectionState,
  SubUserDirectoryOrder,
  SubUserDirectoryOrderField,
} from "../../../client/index.ts";
import { STATE_TITLES, STRENGTH_TITLES, timeOf } from "./texts.ts";

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
export function UserTable({ users, order, onSort }: UserTableProps) {
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
