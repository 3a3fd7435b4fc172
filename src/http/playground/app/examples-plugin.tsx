import { type GraphiQLPlugin, useGraphiQL } from "@graphiql/react";
import type { PlaygroundExample } from "../boot-data.ts";
import { useOpenExample } from "./use-open-example.ts";

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
