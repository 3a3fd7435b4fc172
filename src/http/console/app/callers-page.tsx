import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { CallerPause } from "../../../client/index.ts";
import { Problem, useGateway } from "./gateway.tsx";
import { timeOf } from "./texts.ts";

/** The callers that the bulk guard paused, and the way to resume them. */
export function CallersPage() {
  const { client } = useGateway();
  const { data, error } = useQuery({
    queryKey: ["pausedCallers"],
    queryFn: ({ signal }) => client.pausedCallers({ signal }),
  });
  return (
    <>
      <h1>Paused callers</h1>
      <p className="quiet">
        The gateway pauses a caller who changes too many users in a short time. A paused caller cannot change
        users.
      </p>
      {error !== null && <Problem error={error} />}
      {data?.length === 0 && <p className="quiet">No caller is paused.</p>}
      <ul className="cards">
        {data?.map((pause) => (
          <li key={`${pause.issuer} ${pause.subject}`}>
            <Pause pause={pause} />
          </li>
        ))}
      </ul>
    </>
  );
}

function Pause({ pause }: { readonly pause: CallerPause }) {
  const { subject, issuer, pausedAt, users, withinMinutes, resumedAt } = pause;
  const { client } = useGateway();
  const queries = useQueryClient();
  const resume = useMutation({
    mutationFn: () => client.resumeCaller({ subject, issuer }),
    onSuccess: () => queries.invalidateQueries({ queryKey: ["pausedCallers"] }),
  });
  return (
    <>
      <p className="card-line">
        <strong>{subject}</strong>
        <time dateTime={pausedAt}>since {timeOf(pausedAt)}</time>
      </p>
      <p>
        Changed {users} users within {withinMinutes} minutes.
        {issuer !== null && <> Signed in at {issuer}.</>}
      </p>
      {resumedAt === null && (
        <button type="button" disabled={resume.isPending} onClick={() => resume.mutate()}>
          Resume {subject}
        </button>
      )}
      {resume.isError && <Problem error={resume.error} />}
    </>
  );
}
