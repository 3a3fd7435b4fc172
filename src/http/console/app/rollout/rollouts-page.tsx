import { useState } from "react";
import { Link } from "wouter";
import type { ListedMfaRollout, MfaRollout, MfaRolloutStatus } from "../../../../client/index.ts";
import { usersOf } from "../../../../rollout-words.ts";
import { Choice } from "../form-fields.tsx";
import { Pages, useGateway, usePages } from "../gateway.tsx";
import { ROLLOUT_STATUS_TITLES, switchesOf, timeOf } from "../texts.ts";

/** All rollouts that the visitor may see, the latest first. */
export function RolloutsPage() {
  const [status, setStatus] = useState("");
  const { client } = useGateway();
  const pages = usePages(["mfaRollouts", status], (input, options) =>
    client.mfaRollouts({ status: (status || null) as MfaRolloutStatus | null, ...input }, options),
  );
  const rollouts = pages.data?.pages.flatMap(({ edges }) => edges.map(({ node }) => node));
  return (
    <>
      <h1>Rollouts</h1>
      <p className="quiet">
        A rollout changes many users by a plan. To plan one, filter <Link href="/users">the users</Link>.
      </p>
      <search className="filters">
        <Choice label="Status" value={status} options={ROLLOUT_STATUS_TITLES} onValue={setStatus} />
      </search>
      <Pages {...pages}>
        {rollouts?.length === 0 && <p className="quiet">No rollout.</p>}
        <ul className="cards">
          {rollouts?.map((rollout) => (
            <li key={rollout.id}>
              <RolloutCard rollout={rollout} />
            </li>
          ))}
        </ul>
      </Pages>
    </>
  );
}

function RolloutCard({ rollout }: { readonly rollout: ListedMfaRollout }) {
  const { id, name, createdAt, requestedBy, undoOf, desired, progress, startedAt } = rollout;
  return (
    <>
      <p className="card-line">
        <RolloutStatus rollout={rollout} />
        <Link href={`/rollouts/${id}`}>{name}</Link>
        <time dateTime={createdAt}>{timeOf(createdAt)}</time>
      </p>
      <p>{undoOf === null ? switchesOf(desired).join(", ") : "Takes another rollout back."}</p>
      <p className="quiet">
        {usersOf(progress.total)} to change, planned by {requestedBy.subject}
      </p>
      {startedAt !== null && <ProgressBar rollout={rollout} />}
    </>
  );
}

export function RolloutStatus({ rollout: { status } }: { readonly rollout: ListedMfaRollout }) {
  return <span className={`pill rollout-${status.toLowerCase()}`}>{ROLLOUT_STATUS_TITLES[status]}</span>;
}

/** How many users are settled. */
export function ProgressBar({ rollout }: { readonly rollout: Pick<MfaRollout, "progress"> }) {
  const { done, total } = rollout.progress;
  return (
    <progress max={Math.max(total, 1)} value={done} aria-label={`${done} of ${usersOf(total)} settled`} />
  );
}
