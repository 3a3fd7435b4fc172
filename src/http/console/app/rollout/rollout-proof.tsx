import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation } from "wouter";
import type { MfaRollout } from "../../../../client/index.ts";
import { usersOf } from "../../../../rollout-words.ts";
import { ReasonField } from "../form-fields.tsx";
import { Problem, useGateway } from "../gateway.tsx";
import { isOver, timeOf } from "../texts.ts";

/** The end of a rollout: the reads after the run, the bundle that proves them, and the way back. */
export function RolloutProofSection({ rollout }: { readonly rollout: MfaRollout }) {
  const { finishedAt, proof, counts } = rollout;
  if (finishedAt === null) return null;
  return (
    <>
      <section aria-label="Proof">
        <h2>Proof</h2>
        {proof === null || !proof.sealed ? (
          <p role="status">The gateway reads every changed user once more, a minute after the run.</p>
        ) : (
          <>
            <p>
              Read again {timeOf(proof.readBackAt)}:{" "}
              {proof.differences === 0
                ? "every user is as the rollout left them."
                : `${usersOf(proof.differences)} differ from what the rollout left.`}
            </p>
            <Bundle rollout={rollout} />
          </>
        )}
      </section>
      {isOver(rollout) && counts.applied > 0 && <Undo rollout={rollout} />}
    </>
  );
}

/** The lines that one request reads. */
const PAGE_LINES = 500;

/** Downloads the bundle, and shows the command that verifies it. */
function Bundle({ rollout: { id } }: { readonly rollout: MfaRollout }) {
  const { client } = useGateway();
  const [share, setShare] = useState(0);
  const file = `rollout-${id}.jsonl`;
  const download = useMutation({
    mutationFn: async () => {
      const lines: string[] = [];
      for (let total = 1; lines.length < total; ) {
        const page = await client.mfaRolloutBundle({ id, first: PAGE_LINES, after: lines.length });
        lines.push(...page.lines);
        total = page.total;
        setShare(lines.length / total);
      }
      save(file, `${lines.join("\n")}\n`);
    },
  });
  return (
    <>
      <div className="buttons">
        <button type="button" disabled={download.isPending} onClick={() => download.mutate()}>
          {download.isPending ? `Downloading ${Math.floor(share * 100)} %` : "Download the proof"}
        </button>
      </div>
      {download.isError && <Problem error={download.error} />}
      <p className="quiet">
        Verify the file without the gateway: <code>cam-gateway rollout verify {file}</code>. With{" "}
        <code>--public-key FILE</code> the command also checks who signed the record.
      </p>
    </>
  );
}

/** Gives the visitor a file. */
function save(name: string, content: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type: "application/jsonl" }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

/** Plans the way back from the state before the run. */
function Undo({ rollout }: { readonly rollout: MfaRollout }) {
  const [reason, setReason] = useState("");
  const [, navigate] = useLocation();
  const { client } = useGateway();
  const undo = useMutation({
    mutationFn: () => client.planMfaRolloutUndo({ id: rollout.id, reason: reason.trim() }),
    onSuccess: ({ id }) => navigate(`/rollouts/${id}`),
  });
  return (
    <section aria-label="Undo" className="send">
      <h2>Undo</h2>
      <p className="quiet">
        Plans to give {usersOf(rollout.counts.applied)} the protections from before. Users that changed since
        are refused. Nothing changes until somebody starts that plan.
      </p>
      <ReasonField reason={reason} onReason={setReason} />
      <div className="buttons">
        <button type="button" disabled={undo.isPending || reason.trim() === ""} onClick={() => undo.mutate()}>
          Plan the undo
        </button>
      </div>
      {undo.isError && <Problem error={undo.error} />}
    </section>
  );
}
