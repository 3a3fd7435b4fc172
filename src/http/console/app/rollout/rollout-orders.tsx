import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { CamGatewayClient, MfaRollout } from "../../../../client/index.ts";
import { usersOf } from "../../../../rollout-words.ts";
import { ReasonField } from "../form-fields.tsx";
import { Problem, useGateway } from "../gateway.tsx";
import { timeOf } from "../texts.ts";

/** What a visitor can order about a rollout in its status. */
interface Order {
  readonly title: string;
  readonly isPrimary?: boolean;
  readonly give: (client: CamGatewayClient, reason: string | null) => Promise<MfaRollout>;
}

/** The orders about a rollout: start, approve or reject, pause, resume, release a wave, cancel. */
export function RolloutOrders({ rollout }: { readonly rollout: MfaRollout }) {
  const [reason, setReason] = useState("");
  const { client, subject } = useGateway();
  const queries = useQueryClient();
  const order = useMutation({
    mutationFn: ({ give }: Order) => give(client, reason.trim() || null),
    onSuccess: () => queries.invalidateQueries({ predicate: ({ queryKey }) => isOfRollouts(queryKey) }),
  });
  const orders = ordersOf(rollout, rollout.requestedBy.subject === subject);
  return (
    <>
      <Approval rollout={rollout} />
      {orders.length > 0 && (
        <section aria-label="Orders" className="send">
          {rollout.status !== "PLANNED" && <ReasonField reason={reason} onReason={setReason} />}
          <div className="buttons">
            {orders.map((each) => (
              <button
                key={each.title}
                type="button"
                className={each.isPrimary ? "primary" : undefined}
                disabled={order.isPending}
                onClick={() => order.mutate(each)}
              >
                {each.title}
              </button>
            ))}
          </div>
          {order.isError && <Problem error={order.error} />}
        </section>
      )}
    </>
  );
}

function isOfRollouts([name]: readonly unknown[]): boolean {
  return typeof name === "string" && name.startsWith("mfaRollout");
}

function Approval({ rollout: { approval, status } }: { readonly rollout: MfaRollout }) {
  if (approval === null) return null;
  const { decision, decidedBy, decidedAt, expiresAt, reason } = approval;
  if (decision === null) {
    return status === "AWAITING_APPROVAL" ? <p>The request expires {timeOf(expiresAt)}.</p> : null;
  }
  return (
    <p>
      {decision.toLowerCase()} by {decidedBy?.subject}
      {decidedAt !== null && <> {timeOf(decidedAt)}</>}
      {reason !== null && <>: “{reason}”</>}
    </p>
  );
}

/** @param isOwn Whether the visitor planned the rollout, and so cannot approve it. */
function ordersOf({ id, status, planHash, progress }: MfaRollout, isOwn: boolean): readonly Order[] {
  const hash = planHash ?? "";
  const reject: Order = {
    title: isOwn ? "Withdraw" : "Reject",
    give: (client, reason) => client.rejectMfaRollout({ id, reason }),
  };
  const cancel: Order = {
    title: "Cancel the rollout",
    give: (client, reason) => client.cancelMfaRollout({ id, reason }),
  };
  switch (status) {
    case "PLANNING":
      return [cancel];
    case "PLANNED":
      if (progress.total === 0) return [cancel];
      return [
        {
          title: `Start: change ${usersOf(progress.total)}`,
          isPrimary: true,
          give: (client) => client.startMfaRollout({ id, planHash: hash }),
        },
        cancel,
      ];
    case "AWAITING_APPROVAL":
      if (isOwn) return [reject];
      return [
        {
          title: `Approve and change ${usersOf(progress.total)}`,
          isPrimary: true,
          give: (client, reason) => client.approveMfaRollout({ id, planHash: hash, reason }),
        },
        reject,
      ];
    case "RUNNING":
      return [
        ...(progress.awaitsRelease ? [releaseOf(id, (progress.wave ?? 0) + 1)] : []),
        { title: "Pause", give: (client, reason) => client.pauseMfaRollout({ id, reason }) },
        cancel,
      ];
    case "PAUSED":
      return [{ title: "Resume", isPrimary: true, give: (client) => client.resumeMfaRollout(id) }, cancel];
    default:
      return [];
  }
}

function releaseOf(id: string, wave: number): Order {
  return {
    title: `Begin wave ${wave}`,
    isPrimary: true,
    give: (client) => client.releaseMfaRolloutWave({ id, wave }),
  };
}
