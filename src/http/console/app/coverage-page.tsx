import { useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";
import type { MfaCoverage, ProtectionCounts } from "../../../client/index.ts";
import { Problem, useGateway } from "./gateway.tsx";
import { ScanButton, ScanText, useScans } from "./scan-status.tsx";
import { PROTECTION_TITLES, PROTECTIONS, STRENGTH_TITLES, timeOf } from "./texts.ts";

/** The number of accounts that the page shows before the visitor selects all. */
const FIRST_ACCOUNTS = 10;

/** How many users of each account are protected, and how well. Accounts with most users at risk come first. */
export function CoveragePage() {
  const { client } = useGateway();
  const id = useId();
  const [search, setSearch] = useState("");
  const [showsAll, setShowsAll] = useState(false);
  const scans = useScans();
  const { data, error } = useQuery({
    queryKey: ["mfaCoverage"],
    queryFn: ({ signal }) => client.mfaCoverage({}, { signal }),
  });
  const accounts = data ?? [];
  const found = accounts
    .filter(({ account }) => account.toLowerCase().includes(search.trim().toLowerCase()))
    .toSorted((a, b) => b.login.unprotected - a.login.unprotected);
  const shown = showsAll ? found : found.slice(0, FIRST_ACCOUNTS);
  return (
    <>
      <h1>Coverage</h1>
      {error !== null && <Problem error={error} />}
      {accounts.length > FIRST_ACCOUNTS && (
        <>
          <p>Accounts with the most users without login protection come first.</p>
          <search className="filters">
            <div className="wide">
              <label htmlFor={id}>Account</label>
              <input
                id={id}
                type="search"
                value={search}
                onChange={({ target }) => setSearch(target.value)}
              />
            </div>
          </search>
          {found.length === 0 && <p role="status">No account matches.</p>}
        </>
      )}
      <ul className="cards">
        {shown.map((coverage) => (
          <li key={coverage.account}>
            <AccountCoverage coverage={coverage} />
            {scans
              .filter(({ account }) => account === coverage.account)
              .map((scan) => (
                <div key={scan.account} className="card-line">
                  <span className="quiet">
                    <ScanText scan={scan} />
                  </span>
                  <ScanButton account={scan.account} />
                </div>
              ))}
          </li>
        ))}
      </ul>
      {shown.length < found.length && (
        <button type="button" onClick={() => setShowsAll(true)}>
          Show all {found.length.toLocaleString()} accounts
        </button>
      )}
    </>
  );
}

function AccountCoverage({ coverage }: { readonly coverage: MfaCoverage }) {
  const { account, users, strengths, neverLoggedIn, oldestKnowledge } = coverage;
  return (
    <section aria-label={account}>
      <h2>
        {account}: {users.toLocaleString()} users
      </h2>
      {PROTECTIONS.map((name) => (
        <Bar
          key={name}
          label={`${PROTECTION_TITLES[name]} protection`}
          parts={partsOf(coverage[name])}
          total={users}
        />
      ))}
      <Bar
        label="Strength of login protection"
        parts={strengths.map(({ strength, users: count }) => ({
          name: STRENGTH_TITLES[strength],
          count,
          tone: strength.toLowerCase(),
        }))}
        total={users}
      />
      <p className="quiet">
        {neverLoggedIn.toLocaleString()} never logged in.
        {oldestKnowledge !== null && ` The oldest knowledge is from ${timeOf(oldestKnowledge)}.`}
      </p>
    </section>
  );
}

interface BarPart {
  readonly name: string;
  readonly count: number;
  /** The CSS class of the colour. */
  readonly tone: string;
}

function partsOf(counts: ProtectionCounts): readonly BarPart[] {
  return (["protected", "unprotected", "unknown"] as const).map((state) => ({
    name: state,
    count: counts[state],
    tone: state,
  }));
}

interface BarProps {
  readonly label: string;
  readonly parts: readonly BarPart[];
  readonly total: number;
}

/** A bar of parts with its numbers in words below. The words carry the meaning, so the picture is hidden from readers. */
function Bar({ label, parts, total }: BarProps) {
  const shown = parts.filter(({ count }) => count > 0);
  let at = 0;
  return (
    <figure className="bar">
      <figcaption>{label}</figcaption>
      <svg viewBox="0 0 100 3" preserveAspectRatio="none" aria-hidden="true">
        {shown.map(({ name, count, tone }) => {
          const x = at;
          at += (100 * count) / total;
          return <rect key={name} className={tone} x={x} y="0" width={at - x} height="3" />;
        })}
      </svg>
      <ul>
        {shown.map(({ name, count, tone }) => (
          <li key={name}>
            <svg viewBox="0 0 1 1" aria-hidden="true">
              <rect className={tone} width="1" height="1" />
            </svg>
            {name}: {count.toLocaleString()}
          </li>
        ))}
      </ul>
    </figure>
  );
}
