import { pick, useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import type { PlaygroundExample } from "../boot-data.ts";
import { isNarrowWindow } from "./narrow-window.ts";

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
