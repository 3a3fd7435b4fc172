/** Errors of a request that never reached GraphQL. They have the form of all others, but for a status of their own. */
export const HTTP_ERRORS = {
  BAD_REQUEST: {
    status: 400,
    meaning: "The request, or a part of it, cannot be read; the message says which.",
  },
  PERSISTED_QUERY_NOT_SUPPORTED: {
    status: 400,
    meaning: "Only whole queries are taken; send the query itself.",
  },
  CSRF_PREVENTED: {
    status: 403,
    meaning:
      "A page of another origin may have made a browser send it. Send JSON as `application/json`, or a GET with " +
      "`graphql-require-preflight: 1`.",
  },
  NOT_FOUND: { status: 404, meaning: "Nothing is at this address; GraphQL is at `/graphql`." },
  METHOD_NOT_ALLOWED: { status: 405, meaning: "Send operations with POST; queries also with GET." },
  NOT_ACCEPTABLE: {
    status: 406,
    meaning: "The `accept` header takes neither `application/json` nor `application/graphql-response+json`.",
  },
  REQUEST_TIMEOUT: { status: 408, meaning: "The request took too long to arrive." },
  REQUEST_TOO_LARGE: { status: 413, meaning: "The body is larger than 1 MiB." },
  UNSUPPORTED_MEDIA_TYPE: {
    status: 415,
    meaning: "Send the operation as `application/json`, in UTF-8 and not compressed.",
  },
  EXPECTATION_FAILED: { status: 417, meaning: "Leave out the `expect` header, or send `100-continue`." },
  MISDIRECTED_REQUEST: {
    status: 421,
    meaning: "In local mode the gateway answers only to its own loopback names.",
  },
  HEADERS_TOO_LARGE: { status: 431, meaning: "The headers are larger than 32 KiB." },
  TOKEN_TOO_LARGE: {
    status: 431,
    meaning:
      "The bearer token is longer than 24 KiB. Signing in again does not help: have the identity provider put fewer " +
      "claims into it, such as groups.",
  },
  INTERNAL: { status: 500, meaning: "Something went wrong inside the gateway; report the request id." },
  SHUTTING_DOWN: { status: 503, meaning: "The gateway is stopping and did nothing. Send it again." },
} as const satisfies Readonly<Record<string, { readonly status: number; readonly meaning: string }>>;

export type HttpErrorCode = keyof typeof HTTP_ERRORS;
