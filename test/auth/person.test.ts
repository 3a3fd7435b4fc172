import { describe, expect, test } from "vitest";
import { isSamePerson, personOf } from "../../src/auth/subject.ts";

describe("two subjects are one person", () => {
  test.each([
    ["in capitals", "Li@Example.com", "li@example.com"],
    ["with blanks around", " li ", "li"],
    ["with blanks of another kind", "wang\u00a0li\u3000", "wang li"],
    ["with more blanks between", "wang  li", "wang li"],
    ["in wide letters", "ｌｉ", "li"],
    ["in letters of mathematics", "𝐥𝐢", "li"],
    ["with an accent put together otherwise", "jose\u0301", "jos\u00e9"],
    ["with a ligature", "ﬁnn", "finn"],
    ["with a sharp s", "straße", "STRASSE"],
    ["with another sigma", "σίσυφος", "ΣΊΣΥΦΟΣ"],
    ["with a long s", "ſmith", "Smith"],
    ["with the sign of kelvin", "\u212aarl", "karl"],
    ["with a half-wide letter", "ﾀﾅｶ", "タナカ"],
  ])("%s", (_how, subject, other) => {
    expect(isSamePerson({ subject }, { subject: other })).toBe(true);
    expect(personOf(personOf(subject))).toBe(personOf(subject));
  });
});

test.each([
  ["li", "ly"],
  ["jose", "josé"],
  ["wang li", "wangli"],
  ["王小明", "王小红"],
  ["li", "CN=li"],
])("%s and %s are two", (subject, other) => {
  expect(isSamePerson({ subject }, { subject: other })).toBe(false);
});
