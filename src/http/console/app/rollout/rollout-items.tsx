import { useState } from "react";
import { Link } from "wouter";
import {
  describeCamError,
  type MfaRollout,
  type MfaRolloutItem,
  type MfaRolloutItemConnection,
  type MfaRolloutItemState,
} from "../../../../client/index.ts";
import { Choice, TextField } from "../form-fields.tsx";
import { Pages, useGateway, usePages } from "../gateway.tsx";
import { differencesOf, ITEM_STATE_TITLES, isOver, lostProtectionsOf, PROTECTION_TITLES } from "../texts.ts";

const POLL_MS = 3_000;

/** The page of a rollout that the visitor may not see any more. */
const NO_ITEMS: MfaRolloutItemConnection = {
  edges: [],
  pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null },
  totalCount: 0,
};

interface RolloutItemsProps {
  readonly rollout: MfaRollout;
  readonly state: MfaRolloutItemState | "";
  readonly onState: (state: MfaRolloutItemState | "") => void;
}

/** The users of a rollout with their states, and what to do about those that are not changed. */
export function RolloutItems({ rollout, state, onState }: RolloutItemsProps) {
  const [search, setSearch] = useState("");
  const [account, setAccount] = useState("");
  const { client } = useGateway();
  const pages = usePages(
    ["mfaRolloutItems", rollout.id, state, account, search],
    async (input, options) => {
      const filter = {
        states: state === "" ? null : [state],
        accounts: account === "" ? null : [account],
        search: search.trim() || null,
      };
      return (await client.mfaRollout({ id: rollout.id, filter, ...input }, options))?.items ?? NO_ITEMS;
    },
    isOver(rollout) ? undefined : POLL_MS,
  );
  const items = pages.data?.pages.flatMap(({ edges }) => edges.map(({ node }) => node));
  return (
    <>
      <search className="filters">
        <TextField label="Name or Uin" value={search} onValue={setSearch} />
        <Choice
          label="State"
          value={state}
          options={ITEM_STATE_TITLES}
          onValue={(value) => onState(value as MfaRolloutItemState | "")}
        />
        {rollout.accounts.length > 1 && (
          <Choice
            label="Account"
            value={account}
            options={Object.fromEntries(rollout.accounts.map((name) => [name, name]))}
            onValue={setAccount}
          />
        )}
      </search>
      <Pages {...pages}>
        {items?.length === 0 && <p className="quiet">No user matches.</p>}
        {items !== undefined && items.length > 0 && <ItemTable items={items} />}
      </Pages>
    </>
  );
}

function ItemTable({ items }: { readonly items: readonly MfaRolloutItem[] }) {
  return (
    <table className="users">
      <thead>
        <tr>
          {["Name", "Account", "State", "Wave", "Change, or why none"].map((title) => (
            <th key={title} scope="col">
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {items.map((item) => (
          <ItemRow key={item.item} item={item} />
        ))}
      </tbody>
    </table>
  );
}

function ItemRow({ item }: { readonly item: MfaRolloutItem }) {
  const { account, opUin, name, state, wave } = item;
  return (
    <tr>
      <th scope="row">
        {account === null ? (
          opUin
        ) : (
          <Link href={`/users/${encodeURIComponent(account)}/${opUin}`}>{name || opUin}</Link>
        )}
      </th>
      <td data-label="Account">{account ?? "—"}</td>
      <td data-label="State">
        <span className={`pill item-${state.toLowerCase()}`}>{ITEM_STATE_TITLES[state]}</span>
      </td>
      <td data-label="Wave">{wave ?? "—"}</td>
      <td>
        <ItemDetails {...item} />
      </td>
    </tr>
  );
}

/** The switches of one user, the protections that end with them, and why the user is not changed. */
function ItemDetails({ before, after, why, code }: MfaRolloutItem) {
  const images = before !== null && after !== null ? { before, after } : undefined;
  return (
    <div>
      {images !== undefined && differencesOf(images).join(", ")}
      {images !== undefined &&
        lostProtectionsOf(images).map((protection) => (
          <strong key={protection} className="lost">
            No {PROTECTION_TITLES[protection].toLowerCase()} protection afterwards.
          </strong>
        ))}
      <div>{whyOf(why, code)}</div>
    </div>
  );
}

/** Returns the gateway's words about a user, or else the meaning of the code. */
function whyOf(why: string | null, code: MfaRolloutItem["code"]): string {
  if (code === null) return why ?? "";
  const { message, remedy } = describeCamError(code);
  return `${why ?? message} ${remedy} (${code})`;
}
