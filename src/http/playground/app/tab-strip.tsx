import { UnStyledButton, useGraphiQL } from "@graphiql/react";
import { useEffect, useState } from "react";

/**
 * Shows two buttons that scroll to hidden tabs, or nothing if all tabs fit. The style sheet fades the strip on a side
 * with hidden tabs.
 */
export function TabStripArrows() {
  const hidden = useHiddenTabs();
  if (!hidden.before && !hidden.after) {
    return null;
  }
  return (
    <>
      <Arrow label="Scroll to earlier tabs" direction={-1} isUsable={hidden.before} />
      <Arrow label="Scroll to later tabs" direction={1} isUsable={hidden.after} />
    </>
  );
}

interface ArrowProps {
  label: string;
  direction: -1 | 1;
  isUsable: boolean;
}

/**
 * A scroll button. It uses `aria-disabled`, because a `disabled` button would lose the focus at the end of the strip.
 */
function Arrow({ label, direction, isUsable }: ArrowProps) {
  const scroll = () => {
    const strip = tabStrip();
    strip?.scrollBy({ left: direction * 0.75 * strip.clientWidth });
  };
  return (
    <UnStyledButton type="button" title={label} aria-label={label} aria-disabled={!isUsable} onClick={scroll}>
      <svg viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.5" aria-hidden="true">
        <path d={direction < 0 ? "M10 3 5 8l5 5" : "M6 3l5 5-5 5"} strokeLinecap="round" />
      </svg>
    </UnStyledButton>
  );
}

/** Returns the sides of the strip with hidden tabs. */
function useHiddenTabs() {
  const [hidden, setHidden] = useState({ before: false, after: false });
  const titles = useGraphiQL((state) => state.tabs.map(({ title }) => title).join());
  // biome-ignore lint/correctness/useExhaustiveDependencies: other titles have a different width.
  useEffect(() => {
    const strip = tabStrip();
    if (strip === null) {
      return;
    }
    const measure = () => {
      const left = strip.scrollWidth - strip.clientWidth - strip.scrollLeft;
      // Positions are fractions of a pixel on some screens.
      setHidden({ before: strip.scrollLeft > 1, after: left > 1 });
    };
    const resizes = new ResizeObserver(measure);
    resizes.observe(strip);
    strip.addEventListener("scroll", measure, { passive: true });
    return () => {
      resizes.disconnect();
      strip.removeEventListener("scroll", measure);
    };
  }, [titles]);
  return hidden;
}

function tabStrip(): HTMLElement | null {
  return document.querySelector(".graphiql-tabs");
}

/**
 * Scrolls the tab strip to the active tab, and again when a panel makes the strip narrower. Draws nothing.
 */
export function ActiveTabInView() {
  const activeTabIndex = useGraphiQL((state) => state.activeTabIndex);
  useEffect(() => {
    const tab = document.getElementById(`graphiql-session-tab-${activeTabIndex}`);
    const strip = tab?.closest(".graphiql-tabs");
    if (!tab || !strip) {
      return;
    }
    // The observer also reports the current size.
    const resizes = new ResizeObserver(() => tab.scrollIntoView({ block: "nearest", inline: "nearest" }));
    resizes.observe(strip);
    return () => resizes.disconnect();
  }, [activeTabIndex]);
  return null;
}
