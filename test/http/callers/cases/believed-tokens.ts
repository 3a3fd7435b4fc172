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

/** Tokens that the gateway accepts. */
export const goodTokens: TokenCase[] = [
  ...main("ACCEPTED", {
    "an ordinary token": {},
    "a token of type JWT": header({ typ: "JWT" }),
    "a token of type at+jwt": header({ typ: "at+jwt" }),
    "a token of type application/at+jwt": header({ typ: "application/at+jwt" }),
    "a type in capitals": header({ typ: "AT+JWT" }),
    "a token without a key id if only one key fits": ({ main: { keys } }) => ({
      key: keys["EdDSA"],
      header: { kid: undefined },
    }),
    "a token signed with PSS": ({ main: { keys } }) => ({ key: keys["PS256"] }),
    "a token signed with an elliptic curve": ({ main: { keys } }) => ({ key: keys["ES256"] }),
    "a token signed with Ed25519": ({ main: { keys } }) => ({ key: keys["EdDSA"] }),
    "a token for several audiences": claims({ aud: ["others", AUDIENCES[0]] }),
    "a token for the gateway's second audience": claims({ aud: AUDIENCES[1] }),
    "a token that expired within the tolerance": claims({ exp: NOW - TOLERANCE_S + 1 }),
    "a token that becomes valid within the tolerance": claims({ nbf: NOW + TOLERANCE_S }),
    "a token that is valid from now": claims({ nbf: NOW }),
    "a token that expires in a hundred years": claims({ exp: NOW + 3_155_760_000 }),
    "a token that expires at a fraction of a second": claims({ exp: NOW + 0.5 }),
    "a token without a client": claims({ azp: undefined }),
    "a token with its client in client_id": claims({ client_id: "portal" }),
    "a token with its client in Okta's claim": claims({ cid: "portal" }),
    "a token with its client in the claim of Entra version 1": claims({ appid: "portal" }),
    "a token with a subject in Chinese": claims({ sub: "王小明" }),
    "a token with a subject in Cyrillic and a Latin domain": claims({ sub: "иван@example.com" }),
    "a token with a subject in Han and Latin": claims({ sub: "li王小明" }),
    "a token with the longest subject": claims({ sub: "x".repeat(256) }),
    "a token with unknown claims": claims({ groups: ["a"], nested: { deep: { er: [1, null] } } }),
    "a token with a claim nested a thousand levels deep": claims({ deep: nested(1_000) }),
    "a token of almost the maximum length": claims({ padding: "x".repeat(17_400) }),
    "a foreign key in the header, which is ignored": async ({ attacker }) =>
      header({ jwk: await publicJwk(attacker.key) }),
    "an address of keys in the header, which is ignored": ({ attacker }) => header({ jku: attacker.url }),
    "an address of certificates in the header, which is ignored": ({ attacker }) =>
      header({ x5u: attacker.url }),
    "a certificate in the header, which is ignored": header({ x5c: ["MIIB"], x5t: "abc" }),
    "an unknown parameter in the header": header({ zip: "DEF" }),
  }),
  ...by("strict", "ACCEPTED", {
    "scopes as a list in a claim whose name is a URL": {},
    "a role that maps to the scope": claims({
      "https://strict.example/permissions": undefined,
      realm_access: { roles: ["operator"] },
    }),
    "a role with the name of the scope": claims({
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
    "a longer word that begins with the scope": claims({ scope: "cam.quota:readable" }),
    "the scope as a pattern": claims({ scope: "cam.* *" }),
    "scopes as a number": claims({ scope: 1 }),
    "scopes as an object": claims({ scope: { "cam.quota:read": true } }),
    "scopes in lists of lists": claims({ scope: [["cam.quota:read"]] }),
    "the scope in another claim": claims({ scope: "", scp: "cam.quota:read" }),
    "the scope as a role of an issuer without a role claim": claims({ scope: "", roles: ["cam.quota:read"] }),
  }),
  ...forged("FORBIDDEN", {
    "the scope in the claim __proto__": (world) => {
      const payload = JSON.stringify({ ...usual(world), scope: undefined });
      const polluted = payload.replace(/}$/, ',"__proto__":{"scope":"cam.quota:read"}}');
      return forge(RS256_HEADER, polluted, rsa(rs256(world), "sha256"));
    },
  }),
  ...by("strict", "FORBIDDEN", {
    "a role that maps to other scopes": claims({
      "https://strict.example/permissions": [],
      realm_access: { roles: ["auditor"] },
    }),
    "roles with the names of object properties": claims({
      "https://strict.example/permissions": [],
      realm_access: { roles: ["constructor", "__proto__", "toString"] },
    }),
    "roles as text": claims({ "https://strict.example/permissions": [], realm_access: "roles" }),
  }),
];

function nested(depth: number): unknown {
  return depth === 0 ? 1 : [nested(depth - 1)];
}
