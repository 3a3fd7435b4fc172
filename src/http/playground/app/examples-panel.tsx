import { type GraphiQLPlugin, pick, useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import type { PlaygroundExample } from "../boot-data.ts";

/**
 * A side panel that lists the ready-made operations and opens them as shipped. It is where a first visitor begins,
 * and how a returning one, whose own tabs we never touch, gets at an example again.
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
 * Goes to the tab that already holds an example unchanged, or opens a new one; never overwrites a tab. A panel that
 * covers the editor makes room for it.
 */
export function useOpenExample(): (example: PlaygroundExample) => void {
  const { addTab, changeTab, setVisiblePlugin } = useGraphiQLActions();
  const { tabs, activeTabIndex, queryEditor } = useGraphiQL(pick("tabs", "activeTabIndex", "queryEditor"));
  return ({ document }) => {
    // The editor is ahead of its tab by what was typed in the last moment.
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

/** Whether a panel covers the editor instead of standing beside it; the same width as in narrow-window.css. */
export function isNarrowWindow(): boolean {
  return matchMedia("(max-width: 599px)").matches;
}
