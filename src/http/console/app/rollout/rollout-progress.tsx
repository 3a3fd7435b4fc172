import { describeCamError, type MfaRollout, type MfaRolloutLane } from "../../../../client/index.ts";
import { durationOf, usersOf } from "../../../../rollout-words.ts";
import { timeOf } from "../texts.ts";

/** How many users are settled. */
export function ProgressBar({ rollout }: { readonly rollout: Pick<MfaRollout, "progress"> }) {
  const { done, total } = rollout.progress;
  return (
    <progress max={Math.max(total, 1)} value={done} aria-label={`${done} of ${usersOf(total)} settled`} />
  );
}

/** The run of a rollout: how far it is, its wave, and the lane of each account. */
export function RolloutProgress({ rollout }: { readonly rollout: MfaRollout }) {
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
