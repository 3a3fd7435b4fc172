/** Whether a panel covers the editor instead of standing beside it; the same width as in narrow-window.css. */
export function isNarrowWindow(): boolean {
  return matchMedia("(max-width: 599px)").matches;
}
