import fc from "fast-check";
import { excessiveBody, excessiveDocument } from "./excessive.ts";

/** A request; `raw` bytes are the content of a whole connection. */
export type FuzzRequest =
  | { readonly raw: Uint8Array }
  | {
      readonly method: string;
      readonly path: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: Uint8Array | string | undefined;
    };

const VALID = [
  'mutation { setSubUserMfa(opUin: "1", login: {}) { requestId } }',
  "query ($opUin: Uin!) { subUser(opUin: $opUin) { opUin name mfa { login { phone } } } }",
  "query ($of: [_Any!]!) { _entities(representations: $of) { ... on SubUser { opUin } } }",
  '{ mfaChanges(first: 1, caller: "a", after: "x") { edges { node { id } } } mfaChange(id: "1") { id } }',
  "{ camErrors { code category } camQuota { action used } __typename }",
  "fragment F on Query { camErrors { code } ...F } { ...F }",
];

/** A valid document with removed, doubled or added pieces. */
const mutilated = fc
  .tuple(
    fc.constantFrom(...VALID),
    fc.array(fc.tuple(fc.nat(200), fc.nat(20), fc.string({ unit: "binary", maxLength: 8 })), {
      maxLength: 4,
    }),
  )
  .map(([document, cuts]) =>
    cuts.reduce((text, [at, length, put]) => text.slice(0, at) + put + text.slice(at + length), document),
  );

const nested = fc
  .tuple(fc.constantFrom("{ a ", "[", "{a:", "(", '"""', "@x(y:"), fc.nat(5_000))
  .map(([piece, times]) => `{ ${piece.repeat(times)}`);

const document = fc.oneof(
  { weight: 8, arbitrary: mutilated },
  { weight: 2, arbitrary: nested },
  { weight: 1, arbitrary: excessiveDocument },
  { weight: 4, arbitrary: fc.string({ unit: "binary", maxLength: 200 }) },
);

const json = fc.jsonValue({ maxDepth: 4 });

/** Rare, because its error hides all other errors. */
const rarely = (arbitrary: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 9, arbitrary: fc.constant(null) }, { weight: 1, arbitrary });

const variables = fc.oneof(
  rarely(json),
  fc.record({ opUin: json, of: fc.array(json, { maxLength: 5 }) }, { requiredKeys: [] }),
  fc.record({ of: fc.array(fc.record({ __typename: fc.constantFrom("SubUser", "X"), opUin: json })) }),
);

const operation = fc
  .record({
    query: fc.oneof({ weight: 9, arbitrary: document }, { weight: 1, arbitrary: json }),
    variables,
    operationName: rarely(json),
    extensions: rarely(json),
    documentId: rarely(json),
  })
  .map((value) => JSON.stringify(value));

const body = fc.oneof(
  { weight: 10, arbitrary: operation },
  { weight: 1, arbitrary: excessiveBody },
  { weight: 2, arbitrary: operation.map((text) => text.slice(0, -5)) },
  { weight: 2, arbitrary: json.map((value) => JSON.stringify(value)) },
  { weight: 2, arbitrary: fc.uint8Array({ maxLength: 300 }) },
);

/** Characters that a header can carry. */
const headerText = fc.string({ maxLength: 80 }).map((text) => text.replace(/[^\x20-\x7e]/g, "?"));

const odd = fc.record(
  {
    "content-type": fc.oneof(
      { weight: 6, arbitrary: fc.constant("application/json") },
      {
        weight: 1,
        arbitrary: fc.constantFrom("application/json; charset=x", "text/plain", "multipart/form-data"),
      },
      { weight: 1, arbitrary: headerText },
    ),
    accept: fc.oneof(
      fc.constantFrom("*/*", "application/graphql-response+json", "text/html;q=0.9"),
      headerText,
    ),
    "sec-fetch-site": fc.constantFrom("cross-site", "same-origin", "none", "x"),
    origin: headerText,
    "idempotency-key": headerText,
    "x-request-id": headerText,
    "apollo-federation-include-trace": fc.constant("ftv1"),
    authorization: headerText,
  },
  { requiredKeys: ["content-type"] },
);

/** Most values are plain, or few requests would pass the first checks. */
const headers: typeof odd = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ "content-type": "application/json" }) },
  { weight: 1, arbitrary: odd },
);

const search = fc
  .dictionary(
    fc.constantFrom("query", "variables", "extensions", "operationName", "documentId"),
    fc.oneof(document, fc.json()),
  )
  .map((parameters) => `?${new URLSearchParams(wellFormed(parameters))}`);

/** A URL cannot carry half of a surrogate pair. */
function wellFormed(parameters: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, value.toWellFormed()]));
}

const post = fc.record({ method: fc.constant("POST"), path: fc.constant("/graphql"), headers, body });

const get = fc.record({
  method: fc.constant("GET"),
  path: search.map((text) => `/graphql${text}`),
  headers: headers.map(({ "content-type": _, ...others }) => others),
  body: fc.constant(undefined),
});

const other = fc.record({
  method: fc.constantFrom("PUT", "DELETE", "OPTIONS", "PATCH", "GET", "POST"),
  path: fc.oneof(
    fc.webPath().map((path) => `/${path}`),
    fc.constantFrom("/graphql", "/", "/graphql/", "/health/ready", "/%E0%A4%A"),
  ),
  headers: headers.map(({ "content-type": _, ...others }) => others),
  body: fc.constant(undefined),
});

const raw = fc
  .oneof(
    fc.uint8Array({ minLength: 1, maxLength: 300 }),
    fc
      .tuple(
        fc.constantFrom("POST /graphql HTTP/1.1", "GET /graphql?query={a} HTTP/1.1", "GET / HTTP/2.0"),
        fc.array(headerText),
      )
      .map(([line, lines]) => new TextEncoder().encode([line, "host: x", ...lines, "", ""].join("\r\n"))),
  )
  .map((bytes) => ({ raw: bytes }));

export const fuzzRequest: fc.Arbitrary<FuzzRequest> = fc.oneof(
  { weight: 14, arbitrary: post },
  { weight: 4, arbitrary: get },
  { weight: 1, arbitrary: other },
  { weight: 1, arbitrary: raw },
);
