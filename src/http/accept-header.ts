import Negotiator from "negotiator";

/** The forms of an answer; https://graphql.github.io/graphql-over-http/draft/#sec-Media-Types */
export const MEDIA_TYPES = ["application/json", "application/graphql-response+json"] as const;

export type MediaType = (typeof MEDIA_TYPES)[number];

/** RFC 9110, section 12.5.1: both parts are tokens, or the second or both are `*`. */
const RANGE = /^(?:\*\/\*|(?!\*\/)[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+)$/;

/**
 * The form that the Accept header likes best, or undefined where it takes none. JSON where the header is missing, empty
 * or has no media range in it (RFC 9110 lets a server disregard such a header).
 */
export function negotiateMediaType(accept: string | undefined): MediaType | undefined {
  const ranges = partsOf(accept ?? "", ",").flatMap(rangeOf);
  if (ranges.length === 0) return MEDIA_TYPES[0];
  return new Negotiator({ headers: { accept: ranges.join() } }).mediaType([...MEDIA_TYPES]) as
    | MediaType
    | undefined;
}

/**
 * A media range with its weight and without parameters: these ask for a variant, which a known type has only one of.
 * The refusal of a variant that is never sent says nothing about the type.
 */
function rangeOf(element: string): readonly string[] {
  const [range = "", ...parameters] = partsOf(element, ";").filter(Boolean);
  if (!RANGE.test(range)) return [];
  const at = parameters.findIndex((parameter) => /^q\s*=/i.test(parameter));
  const weight = at === -1 ? 1 : weightOf(parameters[at] ?? "");
  const variant = parameters.slice(0, at === -1 ? parameters.length : at);
  if (weight === 0 && !variant.every((parameter) => /^charset="?utf-8"?$/i.test(parameter))) return [];
  return [`${range.toLowerCase()};q=${weight}`];
}

/** A weight that is no number weighs nothing in or out. */
function weightOf(parameter: string): number {
  const text = parameter.slice(parameter.indexOf("=") + 1).trim();
  const weight = text === "" ? Number.NaN : Number(text);
  return Number.isNaN(weight) ? 1 : Math.min(1, Math.max(0, weight));
}

/** Splits at a separator that is not within a quoted string. */
export function partsOf(text: string, separator: "," | ";"): readonly string[] {
  const part = separator === "," ? /(?:[^,"]|"(?:\\.|[^"\\])*"?)+/g : /(?:[^;"]|"(?:\\.|[^"\\])*"?)+/g;
  return (text.match(part) ?? []).map((found) => found.trim());
}

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
