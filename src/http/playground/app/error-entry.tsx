import type { PlaygroundExample } from "../boot-data.ts";
import { Breakable } from "./breakable.tsx";
import type { CatalogueEntry } from "./use-error-catalogue.ts";
import { useOpenExample } from "./use-open-example.ts";

interface ErrorEntryProps {
  entry: CatalogueEntry;
  isInResult: boolean;
  /** Those that end in this error. */
  examples: PlaygroundExample[];
}

/** What one error means, what to do about it, and where to see it. */
export function ErrorEntry({ entry, isInResult, examples }: ErrorEntryProps) {
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
