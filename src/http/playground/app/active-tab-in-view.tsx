import { useGraphiQL } from "@graphiql/react";
import { useEffect } from "react";

/**
 * Scrolls the tab strip to the active tab, which may lie far outside it, also when a panel leaves the strip less room.
 * Draws nothing itself.
 */
export function ActiveTabInView() {
  const activeTabIndex = useGraphiQL((state) => state.activeTabIndex);
  useEffect(() => {
    const tab = document.getElementById(`graphiql-session-tab-${activeTabIndex}`);
    const strip = tab?.closest(".graphiql-tabs");
    if (!tab || !strip) {
      return;
    }
    // It also reports the size that the strip has now.
    const resizes = new ResizeObserver(() => tab.scrollIntoView({ block: "nearest", inline: "nearest" }));
    resizes.observe(strip);
    return () => resizes.disconnect();
  }, [activeTabIndex]);
  return null;
}
