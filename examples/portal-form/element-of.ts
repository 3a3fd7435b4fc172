/** The element of an id. Throws where the page has none, or another kind, so that no caller has to check. */
export function elementOf<Kind extends HTMLElement>(id: string, kind: abstract new () => Kind): Kind {
  const element = document.getElementById(id);
  if (element instanceof kind) return element;
  throw new Error(`The page has no ${kind.name} called ${id}.`);
}
