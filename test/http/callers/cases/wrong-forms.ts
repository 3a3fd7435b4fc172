import { forge, rsa, signToken } from "../make-token.ts";
import type { Issuer } from "../token-world.ts";
import {
  claims,
  forged,
  header,
  main,
  NO_BEARER,
  NOT_SIGNED_SO,
  OTHER_KIND,
  RS256_HEADER,
  rs256,
  type TokenCase,
  UNREADABLE,
  usual,
} from "./token-case.ts";

/** Tokens that are not access tokens, and issuers whose keys cannot be loaded. */
export const wrongForms: TokenCase[] = [
  ...main(OTHER_KIND, {
    "a logout token": header({ typ: "logout+jwt" }),
    "a proof of possession": header({ typ: "dpop+jwt" }),
    "a security event": header({ typ: "secevent+jwt" }),
    "an empty type": header({ typ: "" }),
  }),
  ...forged(OTHER_KIND, {
    "a number as the type": (world) =>
      forge({ ...RS256_HEADER, typ: 1 }, usual(world), rsa(rs256(world), "sha256")),
  }),
  ...forged(NOT_SIGNED_SO, {
    "an unsupported critical parameter": (world) =>
      forge({ ...RS256_HEADER, crit: ["exp"], exp: 1 }, usual(world), rsa(rs256(world), "sha256")),
  }),
  ...forged(UNREADABLE, {
    "an empty list of critical parameters": (world) =>
      forge({ ...RS256_HEADER, crit: [] }, usual(world), rsa(rs256(world), "sha256")),
    "claims that are not encoded": (world) =>
      forge({ ...RS256_HEADER, crit: ["b64"], b64: false }, usual(world), rsa(rs256(world), "sha256")),
    "a token in a token": async (world) =>
      forge(
        { ...RS256_HEADER, cty: "JWT" },
        await signToken({ issuer: world.main }),
        rsa(rs256(world), "sha256"),
      ),
    "claims that are a list": (world) => forge(RS256_HEADER, [usual(world)], rsa(rs256(world), "sha256")),
    "claims that are null": (world) => forge(RS256_HEADER, "null", rsa(rs256(world), "sha256")),
    "claims that are not JSON": (world) => forge(RS256_HEADER, "{", rsa(rs256(world), "sha256")),
    "claims that are not UTF-8": (world) =>
      forge(RS256_HEADER, Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), rsa(rs256(world), "sha256")),
    "a header that is not JSON": (world) => forge("RS256", usual(world), rsa(rs256(world), "sha256")),
    "a header that is a list": (world) => forge([RS256_HEADER], usual(world), rsa(rs256(world), "sha256")),
    "a header that is null": (world) => forge("null", usual(world), rsa(rs256(world), "sha256")),
  }),
  ...forged(NO_BEARER, {
    "two parts": async (world) => (await signToken({ issuer: world.main })).split(".").slice(0, 2).join("."),
    "four parts": async (world) => `${await signToken({ issuer: world.main })}.AAAA`,
    "an encrypted token, of five parts": () => "e30.AAAA.AAAA.AAAA.AAAA",
    "a word": () => "token",
    "three dots": () => "...",
  }),
  ...main(OTHER_KIND, {
    "an ID token of Keycloak": claims({ typ: "ID" }),
    "an ID token of Amazon Cognito": claims({ token_use: "id" }),
    "an ID token with the hash of an access token": claims({ at_hash: "fPlsvVszI29LU2UhDyJ9vg" }),
  }),
];

export const issuersAway: TokenCase[] = (
  ["redirecting", "failing", "garbled", "endless", "empty"] as const
).map((name) => ({
  name: `an issuer whose keys cannot be loaded (${name})`,
  verdict: "ISSUER_UNAVAILABLE",
  token: (world) => signToken({ issuer: world.away[name] as Issuer }),
}));
