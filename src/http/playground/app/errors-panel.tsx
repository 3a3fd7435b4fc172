import { type GraphiQLPlugin, useGraphiQL } from "@graphiql/react";
import { Fragment, useEffect, useState } from "react";
import type { PlaygroundExample } from "../../boot-data.ts";
import { useOpenExample } from "./examples-panel.tsx";
import { postToGateway } from "./post-to-gateway.ts";

/**
 * Creates a side panel that explains the gateway's errors, and opens the examples that return them. Errors in the
 * response come first. The panel's button has a badge while the response has errors.
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
  const codes = useErrorCodes();
  const inResponse = ({ code }: CatalogueEntry) => codes.includes(code);
  const entries = typeof catalogue === "string" ? [] : catalogue;
  return (
    <section aria-label="Errors">
      <h2 className="panel-title">Errors</h2>
      {typeof catalogue === "string" && <p>{catalogue}</p>}
      <ul className="panel-list">
        {[...entries.filter(inResponse), ...entries.filter((entry) => !inResponse(entry))].map((entry) => (
          <ErrorEntry
            key={entry.code}
            entry={entry}
            isInResponse={inResponse(entry)}
            examples={examples.filter(({ errorCode }) => errorCode === entry.code)}
          />
        ))}
      </ul>
    </section>
  );
}

function ErrorsIcon() {
  const { length } = useErrorCodes();
  return (
    <>
      <svg viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden="true">
        <path d="M8 2 14.5 13.5H1.5ZM8 6.5V9.5M8 11.2V11.6" strokeLinecap="round" strokeLinejoin="round" />
      </svg>
      {length > 0 && <span className="badge">{length}</span>}
    </>
  );
}

/**
 * Returns the codes of all errors in the response of the active tab, from `errors` and from a CamFailure in the data.
 */
function useErrorCodes(): readonly string[] {
  const response = useGraphiQL((state) => state.tabs[state.activeTabIndex]?.response);
  try {
    const { data, errors = [] } = JSON.parse(response ?? "{}") as GatewayResponse;
    const failures = Object.values(data ?? {}).flatMap((field) => field?.code ?? []);
    return [...errors.map(({ extensions }) => extensions?.code ?? ""), ...failures];
  } catch {
    return [];
  }
}

interface GatewayResponse {
  readonly data?: Readonly<Record<string, { readonly code?: string } | null>> | null;
  readonly errors?: readonly { readonly extensions?: { readonly code?: string } }[];
}

interface ErrorEntryProps {
  entry: CatalogueEntry;
  isInResponse: boolean;
  /** The examples that return this error. */
  examples: PlaygroundExample[];
}

/** Shows the meaning and remedy of one error, and opens its examples. */
function ErrorEntry({ entry, isInResponse, examples }: ErrorEntryProps) {
  const open = useOpenExample();
  return (
    <li className={isInResponse ? "error error-in-response" : "error"}>
      <strong>
        <Breakable text={entry.code} />
      </strong>
      <span>
        {entry.category}, {entry.retryable ? "retry later" : "a retry does not help"}
        {isInResponse && ", in this response"}
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

/** Returns the catalogue, or a text to show instead. */
function useErrorCatalogue(): CatalogueEntry[] | string {
  const [catalogue, setCatalogue] = useState<CatalogueEntry[] | string>("Loading…");
  useEffect(() => {
    postToGateway({ query: CATALOGUE }).then(({ result: { data, errors } }) =>
      setCatalogue((data as { camErrors: CatalogueEntry[] } | null)?.camErrors ?? errors?.[0]?.message ?? ""),
    );
  }, []);
  return catalogue;
}

/** Shows a code or name. A line may break between its words. */
function Breakable({ text }: { text: string }) {
  const words = text.split(/(?<=[_.])|(?<=[a-z])(?=[A-Z])/);
  return words.map((word, position) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: the words of a text keep their order.
    <Fragment key={position}>
      {position > 0 && <wbr />}
      {word}
    </Fragment>
  ));
}
