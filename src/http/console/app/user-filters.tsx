import { useId, useRef } from "react";
import type {
  MfaMethod,
  ProtectionState,
  ProtectionStrength,
  SubUserDirectoryInput,
  SubUserDirectoryOrder,
} from "../../../client/index.ts";
import { Choice } from "./form-fields.tsx";
import { METHOD_ENUM, METHOD_TITLES, METHODS, STATE_TITLES, STRENGTH_TITLES } from "./texts.ts";

/** The filters of the list of users. Empty text filters nothing. */
export interface UserFilters {
  readonly search: string;
  readonly account: string;
  readonly login: ProtectionState | "";
  readonly action: ProtectionState | "";
  readonly strength: ProtectionStrength | "";
  readonly method: MfaMethod | "";
  readonly hasPhone: "" | "yes" | "no";
  readonly neverLoggedIn: "" | "yes" | "no";
}

export interface UserSearch {
  readonly filters: UserFilters;
  readonly order: SubUserDirectoryOrder;
  /** The ends of the pages before the shown one. */
  readonly cursors: readonly string[];
}

const NO_FILTERS: UserFilters = {
  search: "",
  account: "",
  login: "",
  action: "",
  strength: "",
  method: "",
  hasPhone: "",
  neverLoggedIn: "",
};

export const FIRST_SEARCH: UserSearch = {
  filters: NO_FILTERS,
  order: { field: "NAME", direction: "ASC" },
  cursors: [],
};

/** Returns the arguments of subUserDirectory for the filters. */
export function userFilterOf(filters: UserFilters): Pick<SubUserDirectoryInput, "accounts" | "filter"> {
  const { search, account, login, action, strength, method, hasPhone, neverLoggedIn } = filters;
  const flag = (value: "" | "yes" | "no") => (value === "" ? null : value === "yes");
  return {
    accounts: account === "" ? null : [account],
    filter: {
      search: search.trim() || null,
      login: login || null,
      action: action || null,
      strength: strength === "" ? null : [strength],
      methods: method === "" ? null : [method],
      hasPhone: flag(hasPhone),
      neverLoggedIn: flag(neverLoggedIn),
    },
  };
}

/** Describes the filters in words, such as "login protection unprotected". */
export function describeFilters(filters: UserFilters): readonly string[] {
  const { search, account, login, action, strength, method, hasPhone, neverLoggedIn } = filters;
  return [
    search.trim() && `“${search.trim()}” in name, Uin or remark`,
    account && `account ${account}`,
    login && `login protection ${STATE_TITLES[login]}`,
    action && `operation protection ${STATE_TITLES[action]}`,
    strength && `strength ${STRENGTH_TITLES[strength]}`,
    method && `method ${METHOD_TITLES[METHODS.find((name) => METHOD_ENUM[name] === method) ?? "phone"]}`,
    hasPhone && (hasPhone === "yes" ? "a phone" : "no phone"),
    neverLoggedIn && (neverLoggedIn === "yes" ? "no login ever" : "a login"),
  ].filter((part) => part !== "");
}

interface UserFiltersFormProps {
  readonly filters: UserFilters;
  /** The names of the accounts that the visitor may use. */
  readonly accounts: readonly string[];
  readonly onFilters: (filters: UserFilters) => void;
}

export function UserFiltersForm({ filters, accounts, onFilters }: UserFiltersFormProps) {
  const id = useId();
  const box = useRef<HTMLInputElement>(null);
  const field = (name: keyof UserFilters, label: string, options: Readonly<Record<string, string>>) => (
    <Choice
      label={label}
      value={filters[name]}
      options={options}
      onValue={(value) => onFilters({ ...filters, [name]: value })}
    />
  );
  // The button that shows all disappears, so the focus moves to the first field.
  const showAll = () => {
    onFilters(NO_FILTERS);
    box.current?.focus();
  };
  const methods = Object.fromEntries(METHODS.map((method) => [METHOD_ENUM[method], METHOD_TITLES[method]]));
  return (
    <search className="filters">
      <div className="wide">
        <label htmlFor={id}>Name, Uin or remark</label>
        <input
          ref={box}
          id={id}
          type="search"
          maxLength={100}
          value={filters.search}
          onChange={({ target }) => onFilters({ ...filters, search: target.value })}
        />
      </div>
      {accounts.length > 1 &&
        field("account", "Account", Object.fromEntries(accounts.map((name) => [name, name])))}
      {field("login", "Login protection", STATE_TITLES)}
      {field("action", "Operation protection", STATE_TITLES)}
      {field("strength", "Strength", STRENGTH_TITLES)}
      {field("method", "Method", methods)}
      {field("hasPhone", "Phone bound", YES_NO)}
      {field("neverLoggedIn", "Never logged in", YES_NO)}
      {filters !== NO_FILTERS && (
        <button type="button" className="reset" onClick={showAll}>
          Show all
        </button>
      )}
    </search>
  );
}

const YES_NO = { yes: "yes", no: "no" };
