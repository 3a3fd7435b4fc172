import { useState } from "react";
import type { AuditEvent, MfaChangeStatus, MfaChangesFilter } from "../../../client/index.ts";
import { ChangeList } from "./change-list.tsx";
import { Choice, TextField } from "./form-fields.tsx";
import { Pages, useGateway, usePages } from "./gateway.tsx";
import { STATUS_TITLES, timeOf } from "./texts.ts";

/** The filters of the page as typed. Empty text filters nothing. */
interface Filters {
  readonly opUin: string;
  readonly account: string;
  readonly caller: string;
  readonly status: string;
}

const NO_FILTERS: Filters = { opUin: "", account: "", caller: "", status: "" };

/** The record: changes with filters, and other events. */
export function RecordPage() {
  const [filters, setFilters] = useState(NO_FILTERS);
  const [shows, setShows] = useState<"changes" | "events">("changes");
  const set = (name: keyof Filters) => (value: string) => setFilters({ ...filters, [name]: value.trim() });
  return (
    <>
      <h1>Record</h1>
      <fieldset className="tabs" aria-label="Contents">
        {(["changes", "events"] as const).map((name) => (
          <button key={name} type="button" aria-pressed={shows === name} onClick={() => setShows(name)}>
            {name === "changes" ? "Changes" : "Events"}
          </button>
        ))}
      </fieldset>
      <search className="filters">
        {shows === "changes" && (
          <>
            <TextField label="Uin" value={filters.opUin} onValue={set("opUin")} />
            <Choice label="Status" value={filters.status} options={STATUS_TITLES} onValue={set("status")} />
          </>
        )}
        <TextField label="Account" value={filters.account} onValue={set("account")} />
        <TextField label="Caller" value={filters.caller} onValue={set("caller")} />
      </search>
      {shows === "changes" ? <Changes filters={filters} /> : <Events filters={filters} />}
    </>
  );
}

function Changes({ filters }: { readonly filters: Filters }) {
  const { client } = useGateway();
  const pages = usePages(["mfaChanges", filters], (input, options) =>
    client.mfaChanges({ ...changesFilter(filters), ...input }, options),
  );
  const changes = pages.data?.pages.flatMap(({ edges }) => edges.map(({ node }) => node));
  return <Pages {...pages}>{changes && <ChangeList changes={changes} />}</Pages>;
}

/** Each filter must match. A filter without text is left out. */
function changesFilter({ opUin, account, caller, status }: Filters): MfaChangesFilter {
  return {
    opUin: opUin || null,
    account: account || null,
    caller: caller || null,
    status: (status || null) as MfaChangeStatus | null,
  };
}

function Events({ filters: { account, caller } }: { readonly filters: Filters }) {
  const { client } = useGateway();
  const pages = usePages(["auditEvents", account, caller], (input, options) =>
    client.auditEvents({ account: account || null, caller: caller || null, ...input }, options),
  );
  const events = pages.data?.pages.flatMap(({ nodes }) => nodes);
  return (
    <Pages {...pages}>
      {events?.length === 0 && <p className="quiet">No events.</p>}
      <ul className="cards">
        {events?.map((event) => (
          <li key={event.id}>
            <EventCard event={event} />
          </li>
        ))}
      </ul>
    </Pages>
  );
}

function EventCard({ event }: { readonly event: AuditEvent }) {
  const { kind, at, by, account, opUin, rule, code, count, details } = event;
  const facts = [account, opUin, code, rule, count !== null && `${count} times`].filter(Boolean);
  return (
    <>
      <p className="card-line">
        <strong>{kind.toLowerCase().replaceAll("_", " ")}</strong>
        <time dateTime={at}>{timeOf(at)}</time>
      </p>
      <p>{by !== null && <>By {by.subject}</>}</p>
      {facts.length > 0 && <p>{facts.join(" · ")}</p>}
      <details>
        <summary>Details</summary>
        <pre>{details}</pre>
      </details>
    </>
  );
}
