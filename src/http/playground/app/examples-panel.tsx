import { type GraphiQLPlugin, pick, useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import type { PlaygroundExample } from "../../boot-data.ts";

/**
 * Creates a side panel that lists the examples and opens them unchanged. It never changes the tabs of a returning
 * visitor.
 */
export function createExamplesPlugin(examples: PlaygroundExample[]): GraphiQLPlugin {
  return {
    title: "Examples",
    icon: ExamplesIcon,
    content: () => <ExamplesPanel examples={examples} />,
  };
}

function ExamplesPanel({ examples }: { examples: PlaygroundExample[] }) {
  const open = useOpenExample();
  const query = useGraphiQL((state) => state.tabs[state.activeTabIndex]?.query);
  return (
    <section aria-label="Examples">
      <h2 className="panel-title">Examples</h2>
      <ol className="panel-list examples">
        {examples.map((example) => (
          <li key={example.name}>
            <button type="button" aria-current={example.document === query} onClick={() => open(example)}>
              <strong>{example.title}</strong>
              <span>{example.description}</span>
            </button>
          </li>
        ))}
      </ol>
    </section>
  );
}

function ExamplesIcon() {
  return (
    <svg viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden="true">
      <path d="M2 3.5h2M2 8h2M2 12.5h2M6.5 3.5H14M6.5 8H14M6.5 12.5H14" strokeLinecap="round" />
    </svg>
  );
}

/**
 * Returns a function that opens an example in the tab that has it unchanged, or else in a new tab. The function closes
 * a panel that covers the editor.
 */
export function useOpenExample(): (example: PlaygroundExample) => void {
  const { addTab, changeTab, setVisiblePlugin } = useGraphiQLActions();
  const { tabs, activeTabIndex, queryEditor } = useGraphiQL(pick("tabs", "activeTabIndex", "queryEditor"));
  return ({ document }) => {
    // GraphiQL copies the text of the editor to its tab with a delay.
    const shown = (query: string | null, index: number) =>
      index === activeTabIndex ? queryEditor?.getValue() : query;
    const index = tabs.findIndex((tab, position) => shown(tab.query, position) === document);
    if (index < 0) {
      addTab();
      queryEditor?.setValue(document);
    } else if (index !== activeTabIndex) {
      changeTab(index);
    }
    if (isNarrowWindow()) {
      setVisiblePlugin(null);
    }
  };
}

/** Returns whether a panel covers the editor. Uses the same width as narrow-window.css. */
export function isNarrowWindow(): boolean {
  return matchMedia("(max-width: 599px)").matches;
}
