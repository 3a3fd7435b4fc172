import { describeCamError, type MfaRollout, type MfaRolloutItemState } from "../../../../client/index.ts";
import { durationOf, ITEM_WORDS, optionsOf, usersOf } from "../../../../rollout-words.ts";
import { timeOf } from "../texts.ts";
import { ITEM_STATE_TITLES, wishOf } from "./rollout-texts.ts";

interface RolloutPlanProps {
  readonly rollout: MfaRollout;
  /** Lists the users of a state. */
  readonly onState: (state: MfaRolloutItemState) => void;
}

/** The plan of a rollout: how many users of each kind, why some are not changed, and the price. */
export function RolloutPlan({ rollout, onState }: RolloutPlanProps) {
  const { counts, price, desired, planHash, expiresAt, startedAt, reasons, progress } = rollout;
  const wish = wishOf(desired);
  const losing = price?.usersLosingProtection ?? 0;
  return (
    <section aria-label="Plan">
      <h2>Plan</h2>
      {wish.length > 0 && <p>{wish.join(", ")}</p>}
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
