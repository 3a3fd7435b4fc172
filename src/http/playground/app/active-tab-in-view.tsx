import { useGraphiQL } from "@graphiql/react";
import { useEffect } from "react";

/** Scrolls the tab strip to the active tab, which may lie far outside it. Draws nothing itself. */
export function ActiveTabInView() {
  const activeTabIndex = useGraphiQL((state) => state.activeTabIndex);
  useEffect(() => {
    const tab = document.getElementById(`graphiql-session-tab-${activeTabIndex}`);
    tab?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [activeTabIndex]);
  return null;
}
