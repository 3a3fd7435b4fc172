import { Link } from "wouter";
import type { MfaDrift } from "../../../client/index.ts";
import { Pages, useGateway, usePages } from "./gateway.tsx";
import { differencesOf, timeOf } from "./texts.ts";

/** Changes of protections that the gateway did not make, such as edits in the Tencent Cloud console. */
export function DriftPage() {
  const { client } = useGateway();
  const pages = usePages(["mfaDrift"], (input, options) => client.mfaDrift(input, options));
  const drifts = pages.data?.pages.flatMap(({ edges }) => edges.map(({ node }) => node));
  return (
    <>
      <h1>Drift</h1>
      <p className="quiet">Changes of protections that the gateway did not make.</p>
      <Pages {...pages}>
        {drifts?.length === 0 && <p className="quiet">No drift.</p>}
        <ul className="cards">
          {drifts?.map((drift) => (
            <li key={drift.id}>
              <DriftCard drift={drift} />
            </li>
          ))}
        </ul>
      </Pages>
    </>
  );
}

function DriftCard({ drift }: { readonly drift: MfaDrift }) {
  const { account, opUin, name, before, firstSeenAt, foundAt } = drift;
  return (
    <>
      <p className="card-line">
        <Link href={`/users/${encodeURIComponent(account)}/${opUin}`}>
          {name || opUin} in {account}
        </Link>
        <time dateTime={foundAt}>{timeOf(foundAt)}</time>
      </p>
      <p>{differencesOf(drift).join(", ")}</p>
      <p className="quiet">
        Known since {timeOf(before.asOf)}, different since {timeOf(firstSeenAt)} at the latest.
      </p>
    </>
  );
}
