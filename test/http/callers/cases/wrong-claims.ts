import { AUDIENCES, NOW, TOLERANCE_S } from "../token-world.ts";
import {
  by,
  claims,
  EXPIRED,
  LACKS_CLAIM,
  main,
  NO_KEY,
  NOBODY,
  NOT_SIGNED_SO,
  NOT_YET,
  refused,
  SOMEBODY_ELSE,
  STRANGER,
  type TokenCase,
} from "./token-case.ts";

/** Tokens that an issuer signed, and that are not for us, not for now or for nobody. */
export const wrongTimes: TokenCase[] = [
  ...main(EXPIRED, {
    "expired, to the second": claims({ exp: NOW - TOLERANCE_S }),
    "expired an hour ago": claims({ exp: NOW - 3_600 }),
    "expired in 1970": claims({ exp: 0 }),
    "expired before that": claims({ exp: -1 }),
    "an expiry in milliseconds of 2001, taken for seconds of it": claims({ exp: 1_000_000_000 }),
  }),
  ...by("strict", EXPIRED, { "expired now, without tolerance": claims({ exp: NOW }) }),
  ...main(NOT_YET, {
    "valid from the second after the tolerance": claims({ nbf: NOW + TOLERANCE_S + 1 }),
    "valid from tomorrow": claims({ nbf: NOW + 86_400 }),
  }),
  ...by("strict", NOT_YET, { "valid from the next second, without tolerance": claims({ nbf: NOW + 1 }) }),
  ...main(LACKS_CLAIM, {
    "no expiry": claims({ exp: undefined }),
    "an expiry as text": claims({ exp: String(NOW + 300) }),
    "an expiry that is null": claims({ exp: null }),
    "an expiry that is a list": claims({ exp: [NOW + 300] }),
    "a time of issue as text": claims({ iat: "now" }),
  }),
  ...main(NOT_YET, { "a beginning as text": claims({ nbf: "now" }) }),
];

export const wrongParties: TokenCase[] = [
  ...main(STRANGER, {
    "no issuer": claims({ iss: undefined }),
    "an issuer that is nobody": claims({ iss: "https://evil.example" }),
    "an issuer with a slash more": claims({ iss: "https://main.example/" }),
    "an issuer in capitals": claims({ iss: "HTTPS://MAIN.EXAMPLE" }),
    "an issuer that begins alike": claims({ iss: "https://main.example.evil.example" }),
    "a list of issuers": claims({ iss: ["https://main.example"] }),
    "a number for an issuer": claims({ iss: 1 }),
    "an issuer that is a name of JavaScript": claims({ iss: "__proto__" }),
  }),
  ...main(NOT_SIGNED_SO, {
    "one issuer's key under another's name": claims({ iss: "https://strict.example" }),
  }),
  ...by("strict", NO_KEY, {
    "the same the other way round": claims({ iss: "https://main.example" }),
  }),
  ...main(SOMEBODY_ELSE, {
    "no audience": claims({ aud: undefined }),
    "another audience": claims({ aud: "others" }),
    "an audience that begins alike": claims({ aud: "cam-mfa-gateway-staging" }),
    "an audience in capitals": claims({ aud: "CAM-MFA-GATEWAY" }),
    "an empty list of audiences": claims({ aud: [] }),
    "a list of others": claims({ aud: ["others", "cam"] }),
    "an audience in a list of lists": claims({ aud: [[AUDIENCES[0]]] }),
    "an audience as an object": claims({ aud: { "cam-mfa-gateway": true } }),
    "an audience that is null": claims({ aud: null }),
    "both names in one text": claims({ aud: AUDIENCES.join(" ") }),
  }),
  ...by("strict", SOMEBODY_ELSE, { "a name that another issuer may use": claims({ aud: AUDIENCES[1] }) }),
  ...by("strict", LACKS_CLAIM, {
    "no claim that this issuer's tokens must have": claims({ tenant: undefined }),
  }),
  ...main(LACKS_CLAIM, { "no subject": claims({ sub: undefined }) }),
  ...main(NOBODY, {
    "an empty subject": claims({ sub: "" }),
    "a number for a subject": claims({ sub: 7 }),
    "a list for a subject": claims({ sub: ["alice"] }),
    "a subject that is null": claims({ sub: null }),
    "a subject with a NUL": claims({ sub: "alice\u0000" }),
    "a subject with a new line": claims({ sub: "alice\nroot" }),
    "a subject of spaces": claims({ sub: "  " }),
    "a subject of two lines to some": claims({ sub: "alice\u2028root" }),
    "a subject whose letters a conversion has lost": claims({ sub: "CN=\uFFFD\uFFFD" }),
    "half a letter for a subject": claims({ sub: "alice\ud800" }),
    "a subject that turns the writing round": claims({ sub: "alice\u202etoor" }),
    "a subject too long for a record": claims({ sub: "x".repeat(257) }),
  }),
  ...main(refused("sub mixes scripts"), {
    "a subject with a Cyrillic letter": claims({ sub: "\u0430lice@example.com" }),
    "a subject with a Greek letter": claims({ sub: "\u0391lice@example.com" }),
    "a subject that looks Latin": claims({ sub: "\u0441\u043e\u0441\u043e@example.com" }),
  }),
  ...main(NOBODY, {
    "a subject with a character that is not seen": claims({ sub: "alice\u3164" }),
    "a subject with a zero-width space": claims({ sub: "al\u200bice" }),
  }),
  ...main(refused("client has no usable name"), {
    "a number for a client": claims({ azp: 7 }),
    "a client with a NUL": claims({ azp: "portal\u0000" }),
    "an empty client": claims({ azp: "" }),
  }),
  ...main(refused("bound to a key"), {
    "bound to a client's certificate": claims({ cnf: { "x5t#S256": "abc" } }),
    "bound to a client's key": claims({ cnf: { jkt: "abc" } }),
  }),
];
