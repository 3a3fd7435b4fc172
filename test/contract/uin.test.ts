import fc from "fast-check";
import { describe, expect, expectTypeOf, test } from "vitest";
import { explainUin, isUin, parseUin, type Uin } from "../../src/contract/index.ts";

const MAX = 18446744073709551615n;

const refused: readonly (readonly [value: unknown, reason: RegExp])[] = [
  ["", /empty/],
  ["0", /greater than 0/],
  ["000", /greater than 0/],
  ["007", /leading zeros/],
  ["18446744073709551616", /between 1 and 18446744073709551615/],
  ["99999999999999999999", /between 1 and/],
  ["100000000000000000000", /between 1 and/],
  ["-1", /digits only/],
  ["+1", /digits only/],
  ["1.5", /digits only/],
  ["1e3", /digits only/],
  ["0x1", /digits only/],
  ["1n", /digits only/],
  ["1_000", /digits only/],
  ["1,000", /digits only/],
  ["abc", /digits only/],
  ["１２", /digits only/],
  ["1 2", /digits only/],
  [" 1", /blanks/],
  ["1\n", /blanks/],
  [0, /greater than 0/],
  [-0, /greater than 0/],
  [-1, /greater than 0/],
  [1.5, /not a whole number/],
  [Number.NaN, /not a whole number/],
  [Number.POSITIVE_INFINITY, /not a whole number/],
  [2 ** 53, /as a string/],
  [1e21, /as a string/],
  [0n, /between 1 and/],
  [-1n, /between 1 and/],
  [MAX + 1n, /between 1 and/],
  [null, /null/],
  [undefined, /undefined/],
  [true, /boolean/],
  [["1"], /a list/],
  [{ valueOf: () => 1 }, /object/],
  [new String("1"), /object/],
  [Symbol("1"), /symbol/],
];

describe("a Uin", () => {
  test.each([
    ["1", "1"],
    ["12345678", "12345678"],
    ["100021969091", "100021969091"],
    ["9007199254740993", "9007199254740993"],
    ["18446744073709551615", "18446744073709551615"],
    [100021969091, "100021969091"],
    [Number.MAX_SAFE_INTEGER, "9007199254740991"],
    [9007199254740993n, "9007199254740993"],
    [MAX, "18446744073709551615"],
  ])("%o is parsed as %s", (value, uin) => {
    expect(parseUin(value)).toBe(uin);
    expect(explainUin(value)).toBe("The value is a valid Uin.");
  });

  test.each(refused)("%o is refused with a reason", (value, reason) => {
    expect(parseUin(value)).toBeUndefined();
    expect(isUin(value)).toBe(false);
    expect(explainUin(value)).toMatch(reason);
  });

  test("is a string that was checked, so a plain string is not a Uin", () => {
    expectTypeOf<Uin>().toExtend<string>();
    expectTypeOf<string>().not.toExtend<Uin>();
    expect(isUin("1")).toBe(true);
    expect(isUin(1)).toBe(false);
    expect(isUin(1n)).toBe(false);
  });
});

describe("for any value", () => {
  test("a whole number from 1 to 2^64-1 is a Uin, as a bigint, a string or a safe integer", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 66n), max: 2n ** 66n }), (value) => {
        const expected = value >= 1n && value <= MAX ? String(value) : undefined;
        expect(parseUin(value)).toBe(expected);
        expect(parseUin(String(value))).toBe(expected);
        if (value <= BigInt(Number.MAX_SAFE_INTEGER)) expect(parseUin(Number(value))).toBe(expected);
      }),
      { examples: [[MAX], [MAX + 1n], [0n], [1n], [2n ** 53n]] },
    );
  });

  test("a string is a Uin only if it is the decimal form of its own value", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[ +-]?0?[0-9]{0,21}(e[0-9])?$/)), (text) => {
        const uin = parseUin(text);
        if (uin !== undefined) expect(String(BigInt(text))).toBe(text);
        expect(isUin(text)).toBe(uin !== undefined);
      }),
    );
  });

  test("the explanation is one printable line that quotes at most 40 characters", () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true }), (value) => {
        expect(explainUin(value)).toMatch(/^[ -~…]+$/);
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 41 }), (text) => {
        expect(explainUin(text).length).toBeLessThan(200);
      }),
    );
    const secret = `${"x".repeat(40)}SECRET`;
    expect(explainUin(secret)).toContain("x".repeat(40));
    expect(explainUin(secret)).not.toContain("S");
  });
});
