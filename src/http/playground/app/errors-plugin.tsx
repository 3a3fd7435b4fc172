import { type GraphiQLPlugin, useGraphiQL } from "@graphiql/react";
import type { PlaygroundExample } from "../boot-data.ts";
import { ErrorEntry } from "./error-entry.tsx";
import { type CatalogueEntry, useErrorCatalogue } from "./use-error-catalogue.ts";

/**
 * A side panel that explains the gateway's errors, those in the result at hand first, and opens the examples that
 * show them.
 */
export function createErrorsPlugin(examples: PlaygroundExample[]): GraphiQLPlugin {
  return {
    title: "Errors",
    icon: ErrorsIcon,
    content: () => <ErrorsPanel examples={examples} />,
  };
}

function ErrorsPanel({ examples }: { examples: PlaygroundExample[] }) {
  const catalogue = useErrorCatalogue();
  const response = useGraphiQL((state) => state.tabs[state.activeTabIndex]?.response) ?? "";
  const inResult = ({ code }: CatalogueEntry) => response.includes(`"code": "${code}"`);
  const entries = typeof catalogue === "string" ? [] : catalogue;
  return (
    <section aria-label="Errors">
      <h2 className="panel-title">Errors</h2>
      {typeof catalogue === "string" && <p>{catalogue}</p>}
      <ul className="panel-list">
        {[...entries.filter(inResult), ...entries.filter((entry) => !inResult(entry))].map((entry) => (
          <ErrorEntry
            key={entry.code}
            entry={entry}
            isInResult={inResult(entry)}
            examples={examples.filter(({ errorCode }) => errorCode === entry.code)}
          />
        ))}
      </ul>
    </section>
  );
}

function ErrorsIcon() {
  return (
    <svg viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden="true">
      <path d="M8 2 14.5 13.5H1.5ZM8 6.5V9.5M8 11.2V11.6" strokeLinecap="round" strokeLinejoin="round" />
    </svg>
  );
}
