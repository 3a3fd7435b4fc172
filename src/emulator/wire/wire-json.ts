/** A JSON value. Integers are bigint, so that a 20-digit Uin keeps all digits. */
export type WireValue = bigint | number | string | boolean | null | WireValue[] | WireObject;
export interface WireObject {
  [name: string]: WireValue;
}

type SourceReviver = (key: string, value: unknown, context: { source?: string }) => unknown;
/** Node 24 has both functions; TypeScript's lib does not declare them yet. */
const { parse: parseWithSource, rawJSON } = JSON as unknown as {
  parse(text: string, reviver: SourceReviver): unknown;
  rawJSON(text: string): unknown;
};

const INTEGER = /^-?\d+$/;

/** Parses JSON with integer literals as bigint. `1.0` and `1e2` stay numbers. */
export function parseExactJson(text: string): WireValue {
  const reviver: SourceReviver = (_key, value, { source }) =>
    typeof value === "number" && source !== undefined && INTEGER.test(source) ? BigInt(source) : value;
  return parseWithSource(text, reviver) as WireValue;
}

/** Writes JSON with a bigint as an integer literal. */
export function stringifyExactJson(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    typeof member === "bigint" ? rawJSON(member.toString()) : member,
  );
}
