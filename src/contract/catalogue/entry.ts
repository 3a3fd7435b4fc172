/**
 * The category of an error, which shows a caller who can resolve it. A program can decide by the category if it has no
 * case for the code.
 */
export const CAM_ERROR_CATEGORY_DESCRIPTIONS = {
  PRECONDITION: "An action is needed first: on the user, on the account, or by another caller.",
  FORBIDDEN: "The caller, or the gateway on the caller's behalf, lacks the permission for this.",
  UNAUTHENTICATED: "The caller or the gateway must authenticate, by signing in or with a second factor.",
  NOT_FOUND: "The request names something that does not exist.",
  THROTTLED: "Too many requests arrive at the moment; wait for retryAfterMs.",
  MISCONFIGURED: "The operator of the gateway must change something; the caller cannot.",
  INPUT: "The caller must change the request.",
  UPSTREAM: "Tencent Cloud or the token issuer failed, or the gateway could not reach or understand it.",
  CONFLICT: "The request conflicts with another operation or with an earlier decision.",
  UNAVAILABLE: "The gateway itself cannot serve the request at the moment, and nothing was sent.",
  INTERNAL: "The gateway is at fault; its operator needs the request id.",
} as const;

export type CamErrorCategory = keyof typeof CAM_ERROR_CATEGORY_DESCRIPTIONS;

/** Rows of the catalogue by code. All texts are safe to show to a person. */
export type CatalogueRows = Readonly<
  Record<
    string,
    {
      readonly category: CamErrorCategory;
      /** One sentence about the failure. */
      readonly message: string;
      /** The next step for the reader. */
      readonly remedy: string;
      /** Present if the same request can succeed later without any change. */
      readonly retryable?: true;
      /** The CAM codes that map to this code. Each covers its sub-codes, except those that another row names. */
      readonly camCodes?: readonly string[];
    }
  >
>;
