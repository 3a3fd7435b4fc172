import { describe, expect, test } from "vitest";
import { isMisleading, isPrintable, isSamePerson, personOf } from "../../src/auth/caller.ts";

test.each([
  ["a Cyrillic letter in a Latin word", "\u0430lice"],
  ["a Cyrillic letter in a Latin email address", "bob+\u0430lice@example.com"],
  ["a Cyrillic letter in a Latin domain", "alice@ex\u0430mple.com"],
  ["a Greek letter in a Latin word", "\u0391lice"],
  ["a letter that NFKC makes Greek", "\u{1d6fc}lice"],
  ["Cyrillic and Greek", "\u03b1\u0435"],
  ["an Armenian letter in a Latin word", "\u0570ello"],
  ["a Cherokee letter in a Latin word", "\u13aalice"],
  ["a Latin letter in a Cyrillic word", "ив\u0061н"],
  ["an initial that looks Latin", "\u0430.smith@example.com"],
  ["a whole word that looks Latin", "\u0441\u043e\u0441\u043e@example.com"],
  ["a whole name that looks Latin, in a certificate", "CN=\u0421\u0430\u0440\u0430,O=Acme"],
  ["Arabic digits behind a Latin word", "user\u0663"],
])("%s is misleading", (_what, subject) => {
  expect(isMisleading(subject)).toBe(true);
});

test.each([
  ...["alice", "li@example.com", "auth0|5f7c8ec7c33c6c004bbafe82", "aaaaaaaa-0000-1111-2222-bbbbbbbbbbbb"],
  ...[
    "AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ",
    "100021969091",
    "job@clients",
    "O'Brien",
    "naïve_müller",
  ],
  ...["王小明", "alice王", "li张三@example.com", "山田たろう", "ユーザーyamada", "김철수", "kim김"],
  ...["иван", "иван.петров@example.com", "Даша Smith", "CN=Иван Петров,O=Acme", "CN=Вера Иванова,O=Acme"],
  ...["CN=José Pérez,O=Acme", "CN=张三,O=Acme", "Γιώργος", "محمد", "สมชาย", "पुष्पा", "система:serviceaccount"],
  ...["system:serviceaccount:default:gateway", "spiffe://example.org/ns/prod/sa/portal", "ꆈꌠꉙ"],
])("%s is not misleading", (subject) => {
  expect(isMisleading(subject)).toBe(false);
  expect(isPrintable(subject)).toBe(true);
});

test.each([
  ["a zero-width space", "alice\u200b"],
  ["a zero-width joiner", "al\u200dice"],
  ["a byte order mark", "\ufeffalice"],
  ["a soft hyphen", "al\u00adice"],
  ["a Hangul filler", "alice\u3164"],
  ["a half-wide Hangul filler", "alice\uffa0"],
  ["a grapheme joiner", "al\u034fice"],
  ["a variation selector", "alice\ufe0f"],
  ["an empty Braille pattern", "alice\u2800"],
  ["a tag", "alice\u{e0061}"],
  ["a direction override", "alice\u202e"],
  ["an escape character", "alice\u001b[2K"],
])("a name with %s is not printable", (_what, subject) => {
  expect(isPrintable(subject)).toBe(false);
});

describe("two subjects are one person if they differ", () => {
  test.each([
    ["by capitals", "Li@Example.com", "li@example.com"],
    ["by spaces around them", " li ", "li"],
    ["by the kind of space", "wang\u00a0li\u3000", "wang li"],
    ["by the number of spaces between words", "wang  li", "wang li"],
    ["by wide letters", "ｌｉ", "li"],
    ["by mathematical letters", "𝐥𝐢", "li"],
    ["by the composition of an accent", "jose\u0301", "jos\u00e9"],
    ["by a ligature", "ﬁnn", "finn"],
    ["by a sharp s", "straße", "STRASSE"],
    ["by the form of a sigma", "σίσυφος", "ΣΊΣΥΦΟΣ"],
    ["by a long s", "ſmith", "Smith"],
    ["by the Kelvin sign", "\u212aarl", "karl"],
    ["by half-width letters", "ﾀﾅｶ", "タナカ"],
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
])("%s and %s are two persons", (subject, other) => {
  expect(isSamePerson({ subject }, { subject: other })).toBe(false);
});
