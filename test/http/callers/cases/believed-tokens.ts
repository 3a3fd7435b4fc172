import { publicJwk } from "../../../support/start-issuer.ts";
import { forge, rsa } from "../make-token.ts";
import { AUDIENCES, NOW, TOLERANCE_S } from "../token-world.ts";
import {
  by,
  claims,
  forged,
  header,
  main,
  RS256_HEADER,
  rs256,
  type TokenCase,
  usual,
} from "./token-case.ts";

/** Good tokens, whatever else is in them, and good ones without the scope. */
export const goodTokens: TokenCase[] = [
  ...main("ACCEPTED", {
    "an ordinary token": {},
    "one of the type JWT": header({ typ: "JWT" }),
    "one of the type at+jwt": header({ typ: "at+jwt" }),
    "one of the type application/at+jwt": header({ typ: "application/at+jwt" }),
    "a type in other letters": header({ typ: "AT+JWT" }),
    "one without a key id, where one key alone fits": ({ main: { keys } }) => ({
      key: keys["EdDSA"],
      header: { kid: undefined },
    }),
    "one by PSS": ({ main: { keys } }) => ({ key: keys["PS256"] }),
    "one by an elliptic curve": ({ main: { keys } }) => ({ key: keys["ES256"] }),
    "one by Ed25519": ({ main: { keys } }) => ({ key: keys["EdDSA"] }),
    "one for several": claims({ aud: ["others", AUDIENCES[0]] }),
    "one for the gateway's other name": claims({ aud: AUDIENCES[1] }),
    "one that expires within the tolerance": claims({ exp: NOW - TOLERANCE_S + 1 }),
    "one that becomes valid within the tolerance": claims({ nbf: NOW + TOLERANCE_S }),
    "one that is valid from now": claims({ nbf: NOW }),
    "one that expires in a hundred years": claims({ exp: NOW + 3_155_760_000 }),
    "one that expires at a fraction of a second": claims({ exp: NOW + 0.5 }),
    "one without a client": claims({ azp: undefined }),
    "one with a client by its older name": claims({ client_id: "portal" }),
    "one with a client as Okta names it": claims({ cid: "portal" }),
    "one with a client as Entra names it in version 1": claims({ appid: "portal" }),
    "one with a subject in Chinese": claims({ sub: "王小明" }),
    "one with a subject in Cyrillic and a Latin domain": claims({ sub: "иван@example.com" }),
    "one with a subject in Han and Latin": claims({ sub: "li王小明" }),
    "one with the longest subject": claims({ sub: "x".repeat(256) }),
    "one with claims that nobody asked for": claims({ groups: ["a"], nested: { deep: { er: [1, null] } } }),
    "one with a claim nested a thousand deep": claims({ deep: nested(1_000) }),
    "one almost too long": claims({ padding: "x".repeat(17_400) }),
    "a foreign key in the header, ignored": async ({ attacker }) =>
      header({ jwk: await publicJwk(attacker.key) }),
    "an address of keys in the header, ignored": ({ attacker }) => header({ jku: attacker.url }),
    "an address of certificates in the header, ignored": ({ attacker }) => header({ x5u: attacker.url }),
    "a certificate in the header, ignored": header({ x5c: ["MIIB"], x5t: "abc" }),
    "an unknown parameter in the header": header({ zip: "DEF" }),
  }),
  ...by("strict", "ACCEPTED", {
    "scopes as a list, in a claim with a name like an address": {},
    "a role that stands for the scope": claims({
      "https://strict.example/permissions": undefined,
      realm_access: { roles: ["operator"] },
    }),
    "a role that is called like the scope": claims({
      "https://strict.example/permissions": undefined,
      realm_access: { roles: ["cam.quota:read"] },
    }),
  }),
];

export const tokensWithoutTheScope: TokenCase[] = [
  ...main("FORBIDDEN", {
    "no scope at all": claims({ scope: undefined }),
    "other scopes": claims({ scope: "openid cam.mfa:read cam.mfa:write cam.audit:read" }),
    "the scope in capitals": claims({ scope: "CAM.QUOTA:READ" }),
    "the scope with a comma": claims({ scope: "openid,cam.quota:read" }),
    "the scope as a beginning": claims({ scope: "cam.quota:readable" }),
    "the scope as a pattern": claims({ scope: "cam.* *" }),
    "scopes as a number": claims({ scope: 1 }),
    "scopes as an object": claims({ scope: { "cam.quota:read": true } }),
    "scopes in lists of lists": claims({ scope: [["cam.quota:read"]] }),
    "the scope in a claim that is not the one": claims({ scope: "", scp: "cam.quota:read" }),
    "the scope as a role, where roles are not asked for": claims({ scope: "", roles: ["cam.quota:read"] }),
  }),
  ...forged("FORBIDDEN", {
    "the scope in the prototype's place": (world) => {
      const payload = JSON.stringify({ ...usual(world), scope: undefined });
      const polluted = payload.replace(/}$/, ',"__proto__":{"scope":"cam.quota:read"}}');
      return forge(RS256_HEADER, polluted, rsa(rs256(world), "sha256"));
    },
  }),
  ...by("strict", "FORBIDDEN", {
    "a role that stands for other scopes": claims({
      "https://strict.example/permissions": [],
      realm_access: { roles: ["auditor"] },
    }),
    "roles that are names of JavaScript": claims({
      "https://strict.example/permissions": [],
      realm_access: { roles: ["constructor", "__proto__", "toString"] },
    }),
    "roles that are no list": claims({ "https://strict.example/permissions": [], realm_access: "roles" }),
  }),
];

function nested(depth: number): unknown {
  return depth === 0 ? 1 : [nested(depth - 1)];
}
