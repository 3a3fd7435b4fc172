import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { Link } from "wouter";
import { describeCamError, type MfaRollout, type MfaRolloutItemState } from "../../../../client/index.ts";
import { ITEM_WORDS } from "../../../../rollout-words.ts";
import { useGateway } from "../gateway.ts";
import { Problem } from "../problem.tsx";
import { timeOf } from "../texts.ts";
import { RolloutItems } from "./rollout-items.tsx";
import { RolloutOrders } from "./rollout-orders.tsx";
import { RolloutPlan } from "./rollout-plan.tsx";
import { RolloutProgress } from "./rollout-progress.tsx";
import { RolloutProofSection } from "./rollout-proof.tsx";
import { isOver, ROLLOUT_STATUS_HELP } from "./rollout-texts.ts";
import { RolloutStatus } from "./rollouts-page.tsx";

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
