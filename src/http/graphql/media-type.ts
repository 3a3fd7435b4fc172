import Negotiator from "negotiator";

/** The forms of an answer; https://graphql.github.io/graphql-over-http/draft/#sec-Media-Types */
export const MEDIA_TYPES = ["application/json", "application/graphql-response+json"] as const;

export type MediaType = (typeof MEDIA_TYPES)[number];

/** The form that the Accept header likes best, or undefined where it takes none; JSON for who does not say. */
export function negotiateMediaType(accept: string | undefined): MediaType | undefined {
  if (accept === undefined) return MEDIA_TYPES[0];
  return new Negotiator({ headers: { accept } }).mediaType([...MEDIA_TYPES]) as MediaType | undefined;
}
