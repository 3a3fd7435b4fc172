import fc from "fast-check";

/** Small pieces of documents, repeated by the number in front. */
const PIECES: readonly ((at: number) => string)[] = [
  () => "camErrors { code }",
  (at) => `a${at}: camErrors { code message camCodes }`,
  (at) => `a${at}: _service { sdl }`,
  (at) => `a${at}: mfaChanges(first: 100) { nodes { id } }`,
  (at) => `a${at}: subUser(opUin: ${at + 1}) { mfa { login { phone } } }`,
  () => "__typename @skip(if: false)",
  (at) => `... @include(if: true) { a${at}: __typename }`,
];

/** Valid or nearly valid documents that request far too much. */
export const excessiveDocument = fc.oneof(
  fc.tuple(fc.constantFrom(...PIECES), fc.nat(1_500)).map(([piece, count]) => `{ ${many(count, piece)} }`),
  fc.tuple(fc.nat(6), fc.nat(200)).map(([levels, uses]) => fragmentsOfFragments(levels, uses)),
  fc
    .nat(500)
    .map(
      (count) =>
        `mutation { ${many(count, (at) => `m${at}: setSubUserMfa(opUin: ${at + 1}) { requestId }`)} }`,
    ),
);

/** Bodies with deeply nested or very long variables or extensions. */
export const excessiveBody = fc
  .tuple(
    fc.constantFrom("variables", "extensions"),
    fc.constantFrom<readonly [open: string, inner: string, close: string]>(
      ["[", "", "]"],
      ['{"a":', "1", "}"],
    ),
    fc.nat(20_000),
    fc.nat(3_000),
  )
  .map(([part, [open, inner, close], depth, length]) => {
    const deep = open.repeat(depth) + inner + close.repeat(depth);
    const long = Array.from({ length }, (_, at) => (at % 2 === 0 ? `"${at}"` : '{"__typename":"X"}'));
    const query = "query ($a: [Uin!], $of: [_Any!]!) { _entities(representations: $of) { __typename } }";
    return `{"query":${JSON.stringify(query)},"${part}":{"a":${deep || "null"},"of":[${long}]}}`;
  });

function many(count: number, piece: (at: number) => string): string {
  return Array.from({ length: count }, (_, at) => piece(at)).join(" ");
}

/** Number of uses of the next fragment in each fragment. */
function fragmentsOfFragments(levels: number, uses: number): string {
  const fragments = many(
    levels,
    (at) => `fragment F${at} on Query { ${`...F${at + 1} `.repeat(uses)}__typename }`,
  );
  return `{ ...F0 } ${fragments} fragment F${levels} on Query { __typename }`;
}
