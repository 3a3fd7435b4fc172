import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { Link } from "wouter";
import {
  describeCamError,
  type MfaRollout,
  type MfaRolloutItemState,
  type MfaRolloutLane,
} from "../../../../client/index.ts";
import { durationOf, ITEM_WORDS, optionsOf, usersOf } from "../../../../rollout-words.ts";
import { Problem, useGateway } from "../gateway.tsx";
import { ITEM_STATE_TITLES, isOver, ROLLOUT_STATUS_HELP, switchesOf, timeOf } from "../texts.ts";
import { RolloutItems } from "./rollout-items.tsx";
import { RolloutOrders } from "./rollout-orders.tsx";
import { RolloutProofSection } from "./rollout-proof.tsx";
import { ProgressBar, RolloutStatus } from "./rollouts-page.tsx";

const POLL_MS = { active: 1_000, waiting: 5_000 } as const;

const ACTIVE: ReadonlySet<string> = new Set(["PLANNING", "RUNNING"]);

/** One rollout: its plan, the orders about it, its progress, its users, and the proof. */
export function RolloutPage({ id }: { readonly id: string }) {
  const { client } = useGateway();
  const { data, error } = useQuery({
    queryKey: ["mfaRollout", id],
    queryFn: ({ signal }) => client.mfaRollout({ id, first: 1 }, { signal }),
    refetchInterval: ({ state: { data: known } }) => pollOf(known ?? undefined),
  });
  if (error !== null) return <Problem error={error} />;
  if (data === undefined) return <p role="status">Loading…</p>;
  if (data === null) return <p>The gateway has no such rollout, or you may not use all of its accounts.</p>;
  return <OneRollout rollout={data} />;
}

/** Returns how often to read a rollout again, or false if nothing more happens in it. */
function pollOf(rollout: MfaRollout | undefined): number | false {
  if (rollout === undefined || isOver(rollout)) return false;
  return ACTIVE.has(rollout.status) ? POLL_MS.active : POLL_MS.waiting;
}

function OneRollout({ rollout }: { readonly rollout: MfaRollout }) {
  const { id, name, reason, status, createdAt, requestedBy, undoOf, startedAt } = rollout;
  const [state, setState] = useState<MfaRolloutItemState | "">("");
  const [knownStatus, setKnownStatus] = useState(status);
  const items = useRef<HTMLHeadingElement>(null);
  const isPlanned = rollout.planHash !== null;

  if (knownStatus !== status) {
    setKnownStatus(status);
    // A run has moved the chosen users on to other states.
    const field = ITEM_WORDS.find(([each]) => each === state)?.[2];
    if (field !== undefined && rollout.counts[field] === 0) setState("");
  }

  // Shows the chosen users, whose list may be below the window.
  useEffect(() => {
    if (state !== "") items.current?.scrollIntoView({ block: "nearest" });
  }, [state]);

  return (
    <article>
      <h1>{name}</h1>
      <p className="card-line">
        <RolloutStatus rollout={rollout} />
        <span>
          Planned by {requestedBy.subject} <time dateTime={createdAt}>{timeOf(createdAt)}</time>
        </span>
      </p>
      <p>“{reason}”</p>
      {undoOf !== null && (
        <p>
          Takes <Link href={`/rollouts/${undoOf}`}>another rollout</Link> back.
        </p>
      )}
      <StatusText rollout={rollout} />
      {startedAt !== null && <RolloutProgress rollout={rollout} />}
      <RolloutOrders key={status} rollout={rollout} />
      {isPlanned && <RolloutPlan rollout={rollout} onState={setState} />}
      {startedAt !== null && <RolloutProofSection rollout={rollout} />}
      {isPlanned && (
        <>
          <h2 ref={items}>Users</h2>
          <RolloutItems key={id} rollout={rollout} state={state} onState={setState} />
        </>
      )}
    </article>
  );
}

/** Tells what the status means, and why a rollout failed, stopped or waits. */
function StatusText({ rollout: { status, code, hint, progress } }: { readonly rollout: MfaRollout }) {
  const isEmpty = status === "PLANNED" && progress.total === 0;
  const help = isEmpty ? "This plan changes no user, so it cannot be started." : ROLLOUT_STATUS_HELP[status];
  return (
    <>
      {help !== undefined && <p className="quiet">{help}</p>}
      {hint !== null && <p>{hint}</p>}
      {code !== null && (
        <p>
          {describeCamError(code).message} {describeCamError(code).remedy} ({code})
        </p>
      )}
    </>
  );
}

interface RolloutPlanProps {
  readonly rollout: MfaRollout;
  /** Lists the users of a state. */
  readonly onState: (state: MfaRolloutItemState) => void;
}

/** The plan of a rollout: how many users of each kind, why some are not changed, and the price. */
function RolloutPlan({ rollout, onState }: RolloutPlanProps) {
  const { counts, price, desired, planHash, expiresAt, startedAt, reasons, progress } = rollout;
  const switches = switchesOf(desired);
  const losing = price?.usersLosingProtection ?? 0;
  return (
    <section aria-label="Plan">
      <h2>Plan</h2>
      {switches.length > 0 && <p>{switches.join(", ")}</p>}
      {optionsOf(rollout).map((option) => (
        <p key={option}>{option}.</p>
      ))}
      <div className="glance">
        {ITEM_WORDS.filter(([, , field]) => counts[field] > 0).map(([state, title, field]) => (
          <button
            key={state}
            type="button"
            className={`number item-${state.toLowerCase()}`}
            onClick={() => onState(state)}
          >
            <strong>{counts[field].toLocaleString()}</strong> {title}
          </button>
        ))}
      </div>
      {losing > 0 && (
        <strong className="lost">
          {usersOf(losing)} will have no login or no operation protection afterwards.
        </strong>
      )}
      {reasons.length > 0 && (
        <ul className="cards">
          {reasons.map(({ state, code, users }) => (
            <li key={`${state} ${code}`}>
              <p>
                <strong>
                  {usersOf(users)} {ITEM_STATE_TITLES[state]}
                </strong>
                : {describeCamError(code).message}
              </p>
              <p className="quiet">
                {describeCamError(code).remedy} ({code})
              </p>
            </li>
          ))}
        </ul>
      )}
      {price !== null && progress.total > 0 && (
        <p>
          {price.camCalls.toLocaleString()} calls to CAM, about {durationOf(price.seconds)}
          {price.secondsByAccount.length > 1 && price.slowestAccount !== null && (
            <>; the slowest account is {price.slowestAccount}</>
          )}
          . The rollout stops when more than {usersOf(price.failuresAllowed)} fail.
        </p>
      )}
      <p className="quiet">
        {startedAt === null && expiresAt !== null && progress.total > 0 && (
          <>Start it before {timeOf(expiresAt)}. </>
        )}
        Plan {planHash?.slice(0, 16)}
      </p>
    </section>
  );
}

/** The run of a rollout: how far it is, its wave, and the lane of each account. */
function RolloutProgress({ rollout }: { readonly rollout: MfaRollout }) {
  const { progress, lanes, status } = rollout;
  const { done, total, secondsLeft, wave, waves, heldUntil } = progress;
  return (
    <section aria-label="Progress">
      <h2>Progress</h2>
      <ProgressBar rollout={rollout} />
      <p role="status">
        {done.toLocaleString()} of {usersOf(total)} settled
        {wave !== null && waves > 1 && `, wave ${wave} of ${waves}`}
        {status === "RUNNING" && done < total && `, about ${durationOf(secondsLeft)} left`}.
      </p>
      {heldUntil !== null && <p>The next wave begins {timeOf(heldUntil)}.</p>}
      {lanes.length > 1 && (
        <ul className="lanes">
          {lanes.map((lane) => (
            <li key={lane.account}>
              <Lane lane={lane} />
            </li>
          ))}
        </ul>
      )}
      {lanes.length === 1 && lanes[0]?.code && <p>{describeCamError(lanes[0].code).message}</p>}
    </section>
  );
}

function Lane({ lane }: { readonly lane: MfaRolloutLane }) {
  const { account, total, done, state, code, secondsLeft } = lane;
  return (
    <>
      <span>{account}</span>
      <progress
        max={Math.max(total, 1)}
        value={done}
        aria-label={`${account}: ${done} of ${total} settled`}
      />
      <span className="quiet">
        {done} of {total}
        {state === "RUNNING" && `, about ${durationOf(secondsLeft)} left`}
        {code !== null && `, waits: ${describeCamError(code).message}`}
      </span>
    </>
  );
}
