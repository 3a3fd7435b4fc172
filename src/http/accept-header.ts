import Negotiator from "negotiator";

/** The media types of a GraphQL response: https://graphql.github.io/graphql-over-http/draft/#sec-Media-Types */
export const MEDIA_TYPES = ["application/json", "application/graphql-response+json"] as const;

export type MediaType = (typeof MEDIA_TYPES)[number];

/**
 * Returns the media type that the Accept header prefers, or undefined if it allows none. Returns JSON if the header is
 * missing, empty or has no media range. RFC 9110 permits a server to ignore that header.
 */
export function negotiateMediaType(accept: string | undefined): MediaType | undefined {
  const ranges = mediaRanges(accept);
  if (ranges.length === 0) return MEDIA_TYPES[0];
  // An invalid weight counts as 1.
  const weighted = ranges.map(({ type, weight }) => `${type};q=${Number.isNaN(weight) ? 1 : weight}`);
  const negotiator = new Negotiator({ headers: { accept: weighted.join() } });
  return negotiator.mediaType([...MEDIA_TYPES]) as MediaType | undefined;
}

/**
 * Returns whether an Accept header requests a page instead of data: it names `text/html` and ranks it above every data
 * type. Browsers do so when a person opens an address. `*\/*` alone (curl, most HTTP libraries) requests data.
 */
export function prefersHtml(accept: string | undefined): boolean {
  const ranges = mediaRanges(accept);
  const weightOf = (name: string) => ranges.findLast(({ type }) => type === name)?.weight ?? 0;
  return weightOf("text/html") > Math.max(...[...MEDIA_TYPES, "text/event-stream"].map(weightOf));
}

interface MediaRange {
  readonly type: string;
  /** From 0 to 1. NaN if the header has another value. */
  readonly weight: number;
}

/** RFC 9110, section 12.5.1: both parts are tokens, or the second or both are `*`. */
const RANGE = /^(?:\*\/\*|(?!\*\/)[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+)$/;

/**
 * Returns the media ranges without their parameters. A parameter requests a variant of a type, and the gateway sends
 * each type in one variant only. Omits a range that refuses another variant, because it does not refuse the type.
 */
function mediaRanges(accept = ""): readonly MediaRange[] {
  return splitHeader(accept, ",").flatMap((element) => {
    const [range = "", ...parameters] = splitHeader(element, ";").filter(Boolean);
    if (!RANGE.test(range)) return [];
    const at = parameters.findIndex((parameter) => /^q\s*=/i.test(parameter));
    const weight = at === -1 ? 1 : readWeight(parameters[at] ?? "");
    const variant = parameters.slice(0, at === -1 ? parameters.length : at);
    const isOurs = variant.every((parameter) => /^charset="?utf-8"?$/i.test(parameter));
    return weight === 0 && !isOurs ? [] : [{ type: range.toLowerCase(), weight }];
  });
}

function readWeight(parameter: string): number {
  const text = parameter.slice(parameter.indexOf("=") + 1).trim();
  return text === "" ? Number.NaN : Math.min(1, Math.max(0, Number(text)));
}

/** Splits a header at each separator outside quoted strings. */
export function splitHeader(text: string, separator: "," | ";"): readonly string[] {
  const part = separator === "," ? /(?:[^,"]|"(?:\\.|[^"\\])*"?)+/g : /(?:[^;"]|"(?:\\.|[^"\\])*"?)+/g;
  return (text.match(part) ?? []).map((found) => found.trim());
}
