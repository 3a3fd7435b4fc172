import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useId, useState } from "react";
import { Link, useLocation } from "wouter";
import type { MethodsToSwitch } from "../../../../client/index.ts";
import { usersOf } from "../../../../rollout-words.ts";
import { ReasonField } from "../form-fields.tsx";
import { Problem, useGateway } from "../gateway.tsx";
import {
  METHOD_TITLES,
  PROTECTION_TITLES,
  PROTECTIONS,
  type ProtectionName,
  SWITCHABLE,
  type Switches,
} from "../texts.ts";
import { describeFilters, type UserFilters, userFilterOf } from "../user-filters.tsx";
import { NO_OPTIONS, optionsOf, RolloutOptionsFields } from "./rollout-options.tsx";

/** Plans a rollout over the users that the filters of the list of users select. */
export function NewRolloutPage({ filters }: { readonly filters: UserFilters }) {
  const [name, setName] = useState("");
  const [reason, setReason] = useState("");
  const [wish, setWish] = useState<Switches>({ login: {}, action: {} });
  const [options, setOptions] = useState(NO_OPTIONS);
  const [, navigate] = useLocation();
  const { client } = useGateway();
  const nameId = useId();
  const plan = useMutation({
    mutationFn: () =>
      client.planMfaRollout({
        ...{ name: name.trim(), reason: reason.trim(), selection: userFilterOf(filters), desired: wish },
        ...optionsOf(options),
      }),
    onSuccess: ({ id }) => navigate(`/rollouts/${id}`),
  });
  const isWished = PROTECTIONS.some((protection) => Object.keys(wish[protection]).length > 0);

  function send(event: FormEvent): void {
    event.preventDefault();
    plan.mutate();
  }

  return (
    <>
      <h1>New rollout</h1>
      <Selection filters={filters} />
      <form onSubmit={send} className="rollout-form">
        <label htmlFor={nameId}>Name</label>
        <input
          id={nameId}
          required
          maxLength={100}
          value={name}
          onChange={({ target }) => setName(target.value)}
        />
        <ReasonField reason={reason} onReason={setReason} />
        <WishTable wish={wish} onWish={setWish} />
        <RolloutOptionsFields options={options} onOptions={setOptions} />
        <div className="buttons">
          <button
            type="submit"
            className="primary"
            disabled={plan.isPending || !isWished || reason.trim() === ""}
          >
            Plan
          </button>
        </div>
        <p className="quiet">A plan changes nobody. You read it before you start it.</p>
        {plan.isError && <Problem error={plan.error} />}
      </form>
    </>
  );
}

/** The chosen users, and the way back to the filters. */
function Selection({ filters }: { readonly filters: UserFilters }) {
  const { client } = useGateway();
  const { data, error } = useQuery({
    queryKey: ["subUserDirectory", "count", filters],
    queryFn: ({ signal }) => client.subUserDirectory({ ...userFilterOf(filters), first: 1 }, { signal }),
  });
  const parts = describeFilters(filters);
  return (
    <>
      <p role="status">
        {data === undefined ? "Counting…" : usersOf(data.totalCount)}
        {parts.length === 0 ? ": everybody" : ` with ${parts.join(", ")}`}.{" "}
        <Link href="/users">Choose others</Link>
      </p>
      {error !== null && <Problem error={error} />}
    </>
  );
}

interface WishTableProps {
  readonly wish: Switches;
  readonly onWish: (wish: Switches) => void;
}

/** The methods to switch. A method that is left alone keeps the state that each user has. */
function WishTable({ wish, onWish }: WishTableProps) {
  function choose(protection: ProtectionName, method: keyof MethodsToSwitch, value: string): void {
    const { [method]: _, ...others } = wish[protection];
    const next = value === "" ? others : { ...others, [method]: value === "on" };
    onWish({ ...wish, [protection]: next });
  }
  return (
    <table className="protections">
      <thead>
        <tr>
          <th scope="col">Method</th>
          {PROTECTIONS.map((name) => (
            <th key={name} scope="col">
              {PROTECTION_TITLES[name]}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {SWITCHABLE.map((method) => (
          <tr key={method}>
            <th scope="row">{METHOD_TITLES[method]}</th>
            {PROTECTIONS.map((name) => (
              <td key={name}>
                <select
                  aria-label={`${PROTECTION_TITLES[name]} protection: ${METHOD_TITLES[method]}`}
                  value={choiceOf(wish[name][method])}
                  onChange={({ target }) => choose(name, method, target.value)}
                >
                  <option value="">as it is</option>
                  <option value="on">on</option>
                  <option value="off">off</option>
                </select>
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function choiceOf(on: boolean | null | undefined): string {
  if (on === undefined || on === null) return "";
  return on ? "on" : "off";
}
