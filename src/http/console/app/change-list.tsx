import { Link } from "wouter";
import type { MfaChange } from "../../../client/index.ts";
import { describeCamError } from "../../../client/index.ts";
import { STATUS_TITLES, switchesOf, timeOf } from "./texts.ts";

interface ChangeListProps {
  readonly changes: readonly MfaChange[];
  /** False on the page of the user. */
  readonly showsUser?: boolean;
}

/** Changes of the record, newest first, each with its details. */
export function ChangeList({ changes, showsUser = true }: ChangeListProps) {
  if (changes.length === 0) return <p className="quiet">No changes.</p>;
  return (
    <ul className="cards">
      {changes.map((change) => (
        <li key={change.id}>
          <ChangeCard change={change} showsUser={showsUser} />
        </li>
      ))}
    </ul>
  );
}

export function ChangeCard({
  change,
  showsUser,
}: {
  readonly change: MfaChange;
  readonly showsUser: boolean;
}) {
  const { account, opUin, status, requested, createdAt, caller, reason, code, approval } = change;
  return (
    <>
      <p className="card-line">
        <span className={`pill status-${status.toLowerCase()}`}>{STATUS_TITLES[status]}</span>
        {showsUser && (
          <Link href={`/users/${encodeURIComponent(account)}/${opUin}`}>
            {opUin} in {account}
          </Link>
        )}
        <time dateTime={createdAt}>{timeOf(createdAt)}</time>
      </p>
      <p>{switchesOf(requested).join(", ")}</p>
      <p>
        By {caller.subject}
        {reason !== null && <>: “{reason}”</>}
      </p>
      {approval?.decidedBy && (
        <p>
          {approval.decision?.toLowerCase()} by {approval.decidedBy.subject}
          {approval.reason !== null && <>: “{approval.reason}”</>}
        </p>
      )}
      {code !== null && status !== "AWAITING_APPROVAL" && <p>{describeCamError(code).message}</p>}
      <details>
        <summary>Details</summary>
        <dl className="facts-list">
          {Object.entries(detailsOf(change)).map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value ?? "—"}</dd>
            </div>
          ))}
        </dl>
      </details>
    </>
  );
}

function detailsOf(change: MfaChange): Readonly<Record<string, string | null>> {
  return {
    Change: change.id,
    Code: change.code,
    "CAM's code": change.camCode,
    "CAM's RequestId": change.camRequestId,
    "Request id": change.gatewayRequestId,
    Proof: change.resolvedBy,
    Attempts: String(change.attempts),
    Finished: change.finishedAt && timeOf(change.finishedAt),
    "Caller's client": change.caller.client,
    "Caller's issuer": change.caller.issuer,
  };
}
