import { type GraphiQLPlugin, useGraphiQL } from "@graphiql/react";
import { Fragment, useEffect, useState } from "react";
import type { PlaygroundExample } from "../boot-data.ts";
import { useOpenExample } from "./examples-panel.tsx";
import { postToGateway } from "./post-to-gateway.ts";

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

interface ErrorEntryProps {
  entry: CatalogueEntry;
  isInResult: boolean;
  /** Those that end in this error. */
  examples: PlaygroundExample[];
}

/** What one error means, what to do about it, and where to see it. */
function ErrorEntry({ entry, isInResult, examples }: ErrorEntryProps) {
  const open = useOpenExample();
  return (
    <li className={isInResult ? "error error-in-result" : "error"}>
      <strong>
        <Breakable text={entry.code} />
      </strong>
      <span>
        {entry.category}, {entry.retryable ? "try again later" : "trying again does not help"}
        {isInResult && ", in this result"}
      </span>
      <p>{entry.message}</p>
      <p>
        <b>What to do:</b> {entry.remedy}
      </p>
      {entry.camCodes.length > 0 && (
        <span>
          From CAM: <Breakable text={entry.camCodes.join(", ")} />
        </span>
      )}
      {examples.map((example) => (
        <button key={example.name} type="button" className="link" onClick={() => open(example)}>
          Open the example <Breakable text={example.name} />
        </button>
      ))}
    </li>
  );
}

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

/** The catalogue, or a sentence that stands in for it. */
function useErrorCatalogue(): CatalogueEntry[] | string {
  const [catalogue, setCatalogue] = useState<CatalogueEntry[] | string>("Loading…");
  useEffect(() => {
    postToGateway({ query: CATALOGUE }).then(({ data, errors }) =>
      setCatalogue((data as { camErrors: CatalogueEntry[] } | null)?.camErrors ?? errors?.[0]?.message ?? ""),
    );
  }, []);
  return catalogue;
}

/** A code or a name that breaks between its words where a line is too short for it. */
function Breakable({ text }: { text: string }) {
  const words = text.split(/(?<=[_.])|(?<=[a-z])(?=[A-Z])/);
  return words.map((word, position) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: the words of a text never change places.
    <Fragment key={position}>
      {position > 0 && <wbr />}
      {word}
    </Fragment>
  ));
}
