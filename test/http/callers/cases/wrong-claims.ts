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

/** Tokens with a good signature that are expired, not valid yet, for another service or without a usable subject. */
export const wrongTimes: TokenCase[] = [
  ...main(EXPIRED, {
    "expired at the end of the tolerance": claims({ exp: NOW - TOLERANCE_S }),
    "expired an hour ago": claims({ exp: NOW - 3_600 }),
    "expired in 1970": claims({ exp: 0 }),
    "expired before 1970": claims({ exp: -1 }),
    "expired in 2001": claims({ exp: 1_000_000_000 }),
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
  ...main(NOT_YET, { "a start of validity as text": claims({ nbf: "now" }) }),
];

export const wrongParties: TokenCase[] = [
  ...main(STRANGER, {
    "no issuer": claims({ iss: undefined }),
    "an unknown issuer": claims({ iss: "https://evil.example" }),
    "an issuer with an extra slash": claims({ iss: "https://main.example/" }),
    "an issuer in capitals": claims({ iss: "HTTPS://MAIN.EXAMPLE" }),
    "a longer issuer with the same beginning": claims({ iss: "https://main.example.evil.example" }),
    "a list of issuers": claims({ iss: ["https://main.example"] }),
    "a number as the issuer": claims({ iss: 1 }),
    "an issuer with the name of an object property": claims({ iss: "__proto__" }),
  }),
  ...main(NOT_SIGNED_SO, {
    "the main issuer's key in the name of the strict issuer": claims({ iss: "https://strict.example" }),
  }),
  ...by("strict", NO_KEY, {
    "the strict issuer's key in the name of the main issuer": claims({ iss: "https://main.example" }),
  }),
  ...main(SOMEBODY_ELSE, {
    "no audience": claims({ aud: undefined }),
    "another audience": claims({ aud: "others" }),
    "a longer audience with the same beginning": claims({ aud: "cam-mfa-gateway-staging" }),
    "an audience in capitals": claims({ aud: "CAM-MFA-GATEWAY" }),
    "an empty list of audiences": claims({ aud: [] }),
    "a list of other audiences": claims({ aud: ["others", "cam"] }),
    "an audience in a list of lists": claims({ aud: [[AUDIENCES[0]]] }),
    "an audience as an object": claims({ aud: { "cam-mfa-gateway": true } }),
    "an audience that is null": claims({ aud: null }),
    "both audiences in one text": claims({ aud: AUDIENCES.join(" ") }),
  }),
  ...by("strict", SOMEBODY_ELSE, { "an audience of another issuer": claims({ aud: AUDIENCES[1] }) }),
  ...by("strict", LACKS_CLAIM, {
    "a missing required claim": claims({ tenant: undefined }),
  }),
  ...main(LACKS_CLAIM, { "no subject": claims({ sub: undefined }) }),
  ...main(NOBODY, {
    "an empty subject": claims({ sub: "" }),
    "a number as the subject": claims({ sub: 7 }),
    "a list as the subject": claims({ sub: ["alice"] }),
    "a subject that is null": claims({ sub: null }),
    "a subject with a NUL": claims({ sub: "alice\u0000" }),
    "a subject with a new line": claims({ sub: "alice\nroot" }),
    "a subject of spaces": claims({ sub: "  " }),
    "a subject with a Unicode line separator": claims({ sub: "alice\u2028root" }),
    "a subject of replacement characters": claims({ sub: "CN=\uFFFD\uFFFD" }),
    "a subject with half of a surrogate pair": claims({ sub: "alice\ud800" }),
    "a subject with a direction override": claims({ sub: "alice\u202etoor" }),
    "a subject that is too long for the record": claims({ sub: "x".repeat(257) }),
  }),
  ...main(refused("sub mixes scripts"), {
    "a subject with a Cyrillic letter": claims({ sub: "\u0430lice@example.com" }),
    "a subject with a Greek letter": claims({ sub: "\u0391lice@example.com" }),
    "a subject that looks Latin": claims({ sub: "\u0441\u043e\u0441\u043e@example.com" }),
  }),
  ...main(NOBODY, {
    "a subject with an invisible character": claims({ sub: "alice\u3164" }),
    "a subject with a zero-width space": claims({ sub: "al\u200bice" }),
  }),
  ...main(refused("client has no usable name"), {
    "a number as the client": claims({ azp: 7 }),
    "a client with a NUL": claims({ azp: "portal\u0000" }),
    "an empty client": claims({ azp: "" }),
  }),
  ...main(refused("bound to a key"), {
    "a token bound to a client's certificate": claims({ cnf: { "x5t#S256": "abc" } }),
    "a token bound to a client's key": claims({ cnf: { jkt: "abc" } }),
  }),
];
