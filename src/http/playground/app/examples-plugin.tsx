import { type GraphiQLPlugin, pick, useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import type { PlaygroundExample } from "../boot-data.ts";

/**
 * A side panel that lists the ready-made operations and opens them as shipped. It is how a returning visitor,
 * whose own tabs we never touch, gets at an example again.
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
  return (
    <section aria-label="Examples">
      <h2 className="panel-title">Examples</h2>
      <ol className="panel-list examples">
        {examples.map((example) => (
          <li key={example.name}>
            <button type="button" onClick={() => open(example)}>
              <strong>{example.title}</strong>
              <span>{example.description}</span>
            </button>
          </li>
        ))}
      </ol>
    </section>
  );
}

/** Goes to the tab that already holds the example unchanged, or opens a new one; never overwrites a tab. */
function useOpenExample(): (example: PlaygroundExample) => void {
  const { addTab, changeTab } = useGraphiQLActions();
  const { tabs, activeTabIndex, queryEditor } = useGraphiQL(pick("tabs", "activeTabIndex", "queryEditor"));
  return ({ document }) => {
    // The editor is ahead of its tab by what was typed in the last moment.
    const shown = (query: string | null, index: number) =>
      index === activeTabIndex ? queryEditor?.getValue() : query;
    const index = tabs.findIndex((tab, position) => shown(tab.query, position) === document);
    if (index === activeTabIndex) {
      return;
    }
    if (index >= 0) {
      changeTab(index);
    } else {
      addTab();
      queryEditor?.setValue(document);
    }
  };
}

function ExamplesIcon() {
  return (
    <svg viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden="true">
      <path d="M2 3.5h2M2 8h2M2 12.5h2M6.5 3.5H14M6.5 8H14M6.5 12.5H14" strokeLinecap="round" />
    </svg>
  );
}
