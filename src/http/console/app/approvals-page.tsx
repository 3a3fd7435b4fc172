import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import type { MfaChange } from "../../../client/index.ts";
import { usersOf } from "../../../rollout-words.ts";
import { ChangeCard } from "./change-list.tsx";
import { ReasonField } from "./form-fields.tsx";
import { Problem, useGateway } from "./gateway.tsx";
import { timeOf } from "./texts.ts";

/** The changes that await another person's approval. */
export function ApprovalsPage() {
  const { client } = useGateway();
  const { data, error } = useQuery({
    queryKey: ["mfaChanges", "awaiting"],
    queryFn: ({ signal }) => client.mfaChanges({ status: "AWAITING_APPROVAL", first: 100 }, { signal }),
    refetchInterval: 15_000,
  });
  return (
    <>
      <h1>Approvals</h1>
      <WaitingRollouts />
      {error !== null && <Problem error={error} />}
      {data?.edges.length === 0 && <p className="quiet">No change awaits approval.</p>}
      <ul className="cards">
        {data?.edges.map(({ node }) => (
          <li key={node.id}>
            <Waiting change={node} />
          </li>
        ))}
      </ul>
    </>
  );
}

/** The rollouts that await another person's approval. Shows none to a person who may not see rollouts. */
function WaitingRollouts() {
  const { client } = useGateway();
  const { data } = useQuery({
    queryKey: ["mfaRollouts", "awaiting"],
    queryFn: ({ signal }) => client.mfaRollouts({ status: "AWAITING_APPROVAL", first: 20 }, { signal }),
    refetchInterval: 15_000,
    retry: false,
  });
  return (
    <ul className="cards">
      {data?.edges.map(({ node: { id, name, requestedBy, progress } }) => (
        <li key={id}>
          Rollout <Link href={`/rollouts/${id}`}>{name}</Link>: {usersOf(progress.total)} to change, planned
          by {requestedBy.subject}
        </li>
      ))}
    </ul>
  );
}

/** One waiting change with the decision about it. */
function Waiting({ change }: { readonly change: MfaChange }) {
  const [reason, setReason] = useState("");
  const { client } = useGateway();
  const queries = useQueryClient();
  const decision = useMutation({
    mutationFn: async (decide: "approve" | "reject") => {
      const input = { id: change.id, reason: reason.trim() || null };
      await (decide === "approve" ? client.approveMfaChange(input) : client.rejectMfaChange(input));
    },
    // After a failure the change stays on the page with the explanation.
    onSuccess: () => queries.invalidateQueries(),
  });
  return (
    <section aria-label={`Change of ${change.opUin}`}>
      <ChangeCard change={change} showsUser />
      {change.approval !== null && <p>Expires {timeOf(change.approval.expiresAt)}</p>}
      <ReasonField reason={reason} onReason={setReason} />
      <div className="buttons">
        <button
          type="button"
          className="primary"
          disabled={decision.isPending}
          onClick={() => decision.mutate("approve")}
        >
          Approve and make the change
        </button>
        <button type="button" disabled={decision.isPending} onClick={() => decision.mutate("reject")}>
          Reject
        </button>
      </div>
      {decision.isError && <Problem error={decision.error} />}
    </section>
  );
}
