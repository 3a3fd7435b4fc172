import fc from "fast-check";
import { expect, test } from "vitest";
import { exactInteger, parseExactJson } from "../../src/cam/protocol.ts";

test.each([
  ["0", 0],
  ["-0", -0],
  ["1", 1],
  ["100021969091", 100021969091],
  ["9007199254740991", 9007199254740991],
  ["9007199254740992", 9007199254740992n],
  ["9007199254740993", 9007199254740993n],
  ["-9007199254740993", -9007199254740993n],
  ["18446744073709551615", 18446744073709551615n],
  ["99999999999999999999999", 99999999999999999999999n],
  ["1.5", 1.5],
  ["1.0", 1],
  ["1e3", 1000],
  // Not integer literals, so they may lose digits. CAM writes no Uin in this form, and a Uin this large is rejected.
  ["9007199254740993.0", 9007199254740992],
  ["1e19", 1e19],
  ["1e400", Number.POSITIVE_INFINITY],
  ['"18446744073709551615"', "18446744073709551615"],
  ["true", true],
  ["null", null],
  [
    '[1,[18446744073709551615],{"a":18446744073709551615}]',
    [1, [18446744073709551615n], { a: 2n ** 64n - 1n }],
  ],
  ['{"Uin":100021969091,"Uin":18446744073709551615}', { Uin: 18446744073709551615n }],
])("%s is read exactly", (text, value) => {
  expect(parseExactJson(text)).toEqual(value);
});

test.each(["", "{", '{"Response":', "18446744073709551615n", "undefined", "<html>"])(
  "%j is rejected as invalid JSON",
  (text) => {
    expect(() => parseExactJson(text)).toThrow(SyntaxError);
  },
);

test("parseExactJson agrees with JSON.parse except for large integers", () => {
  const large = "18446744073709551615";
  fc.assert(
    fc.property(fc.json({ maxDepth: 3 }), (text) => {
      // A large integer elsewhere in the text makes parseExactJson inspect every value.
      for (const whole of [text, `[${text},${large}]`]) {
        const rounded = JSON.stringify(parseExactJson(whole), (_key, value: unknown) =>
          typeof value === "bigint" ? Number(value) : value,
        );
        expect(rounded).toBe(JSON.stringify(JSON.parse(whole)));
      }
    }),
  );
});

test("a Uin keeps every digit when it is serialized and parsed", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 1n, max: 2n ** 64n - 1n }), (uin) => {
      const text = JSON.stringify({ OpUin: exactInteger(String(uin)) });
      expect(text).toBe(`{"OpUin":${uin}}`);
      expect(BigInt((parseExactJson(text) as { OpUin: number | bigint }).OpUin)).toBe(uin);
    }),
  );
});

test("nesting that is too deep ends in an error, not in a crash", () => {
  const deep = `${"[".repeat(50_000)}18446744073709551615${"]".repeat(50_000)}`;
  expect(() => parseExactJson(deep)).toThrow();
});
