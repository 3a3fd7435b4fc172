import { type GraphiQLPlugin, useGraphiQL } from "@graphiql/react";
import { useEffect, useState } from "react";
import { postToGateway } from "./post-to-gateway.ts";

interface CatalogueEntry {
  code: string;
  category: string;
  retryable: boolean;
  message: string;
  remedy: string;
  camCodes: string[];
}

const CATALOGUE = `query PlaygroundErrorCatalogue {
  camErrors { code category retryable message remedy camCodes }
}`;

/** A side panel that explains the gateway's errors, those in the result at hand first. */
export const errorsPlugin: GraphiQLPlugin = { title: "Errors", icon: ErrorsIcon, content: ErrorsPanel };

function ErrorsPanel() {
  const catalogue = useCatalogue();
  const response = useGraphiQL((state) => state.tabs[state.activeTabIndex]?.response) ?? "";
  const inResult = ({ code }: CatalogueEntry) => response.includes(`"code": "${code}"`);
  const entries = typeof catalogue === "string" ? [] : catalogue;
  return (
    <section aria-label="Errors">
      <h2 className="panel-title">Errors</h2>
      {typeof catalogue === "string" && <p>{catalogue}</p>}
      <ul className="panel-list">
        {entries.filter(inResult).map((entry) => (
          <Entry key={entry.code} entry={entry} inResult={true} />
        ))}
        {entries
          .filter((entry) => !inResult(entry))
          .map((entry) => (
            <Entry key={entry.code} entry={entry} inResult={false} />
          ))}
      </ul>
    </section>
  );
}

function Entry({ entry, inResult }: { entry: CatalogueEntry; inResult: boolean }) {
  return (
    <li className={inResult ? "error error-in-result" : "error"}>
      <strong>{entry.code}</strong>
      <span>
        {entry.category}, {entry.retryable ? "try again later" : "trying again does not help"}
        {inResult && ", in this result"}
      </span>
      <p>{entry.message}</p>
      <p>{entry.remedy}</p>
      {entry.camCodes.length > 0 && <span>From CAM: {entry.camCodes.join(", ")}</span>}
    </li>
  );
}

/** The catalogue, or a sentence that stands in for it. */
function useCatalogue(): CatalogueEntry[] | string {
  const [catalogue, setCatalogue] = useState<CatalogueEntry[] | string>("Loading…");
  useEffect(() => {
    postToGateway({ query: CATALOGUE }).then(({ data, errors }) =>
      setCatalogue((data as { camErrors: CatalogueEntry[] } | null)?.camErrors ?? errors?.[0]?.message ?? ""),
    );
  }, []);
  return catalogue;
}

function ErrorsIcon() {
  return (
    <svg viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden="true">
      <path d="M8 2 14.5 13.5H1.5ZM8 6.5V9.5M8 11.2V11.6" strokeLinecap="round" strokeLinejoin="round" />
    </svg>
  );
}
