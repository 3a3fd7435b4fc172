/**
 * Whether an Accept header asks for a page rather than for data. Only a client that names `text/html`, as every
 * browser does when a person opens an address, and ranks it above JSON gets the page; `*\/*` alone (curl, most
 * HTTP libraries) does not.
 */
export function prefersHtml(accept: string | undefined): boolean {
  const quality = parseAccept(accept ?? "");
  const html = quality.get("text/html") ?? 0;
  const data = Math.max(
    quality.get("application/json") ?? 0,
    quality.get("application/graphql-response+json") ?? 0,
    quality.get("text/event-stream") ?? 0,
  );
  return html > data;
}

function parseAccept(accept: string): Map<string, number> {
  const quality = new Map<string, number>();
  for (const range of accept.split(",")) {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    const q = parameters.find((parameter) => parameter.startsWith("q="));
    quality.set(type, q === undefined ? 1 : Number.parseFloat(q.slice(2)) || 0);
  }
  return quality;
}
