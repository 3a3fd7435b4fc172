import { publicJwk } from "../../../support/start-issuer.ts";
import { derSignature, forge, goodClaims, hmac, rsa, signToken } from "../make-token.ts";
import type { TokenWorld } from "../token-world.ts";
import {
  BAD_SIGNATURE,
  forged,
  header,
  main,
  NO_BEARER,
  NO_KEY,
  NOT_SIGNED_SO,
  pem,
  RS256_HEADER,
  refused,
  resigned,
  rs256,
  type TokenCase,
  UNREADABLE,
  usual,
} from "./token-case.ts";

/** Tokens with an algorithm, key or signature that does not belong to the issuer. */
export const wrongAlgorithms: TokenCase[] = [
  ...forged(NO_BEARER, {
    "none, without a signature": (world) => forge({ alg: "none" }, usual(world), ""),
    "the right algorithm, without a signature": (world) => forge(RS256_HEADER, usual(world), ""),
  }),
  ...forged(
    NOT_SIGNED_SO,
    Object.fromEntries([
      ...["none", "None", "NONE", "nOnE"].map((alg) => [
        `${alg}, with a signature`,
        (world: TokenWorld) => forge({ ...RS256_HEADER, alg }, usual(world), rsa(rs256(world), "sha256")),
      ]),
      ...[256, 384, 512].map((bits) => [
        `HS${bits} with the public key as the secret`,
        (world: TokenWorld) =>
          forge({ alg: `HS${bits}`, kid: "main-RS256" }, usual(world), hmac(`sha${bits}`, pem(world))),
      ]),
      ...[
        "RS384",
        "RS512",
        "RS1",
        "rs256",
        "ES384",
        "ES512",
        "PS384",
        "ES256K",
        "dir",
        "RSA-OAEP",
        "A128KW",
      ].map((alg) => [
        `${alg}, which the issuer may not use`,
        (world: TokenWorld) => forge({ ...RS256_HEADER, alg }, usual(world), rsa(rs256(world), "sha256")),
      ]),
    ]),
  ),
  ...forged(NOT_SIGNED_SO, {
    "HS256 with the key as JSON as the secret": async (world) => {
      const jwk = JSON.stringify(await publicJwk(rs256(world) as never));
      return forge({ alg: "HS256", kid: "main-RS256" }, usual(world), hmac("sha256", jwk));
    },
    "HS256 with an empty secret": (world) =>
      forge({ alg: "HS256", kid: "main-RS256" }, usual(world), hmac("sha256", "")),
    "HS256 with a secret of the key set": (world) =>
      forge({ alg: "HS256", kid: "symmetric" }, usual(world), hmac("sha256", "a secret in a key set")),
    "an algorithm that only another issuer may use": (world) =>
      forge(RS256_HEADER, goodClaims(world.strict), rsa(rs256(world), "sha256")),
  }),
  ...forged(UNREADABLE, {
    "no algorithm": (world) => forge({ kid: "main-RS256" }, usual(world), rsa(rs256(world), "sha256")),
    "an empty algorithm": (world) => forge({ alg: "" }, usual(world), rsa(rs256(world), "sha256")),
    "a number as the algorithm": (world) => forge({ alg: 256 }, usual(world), rsa(rs256(world), "sha256")),
    "a list of algorithms": (world) => forge({ alg: ["RS256"] }, usual(world), rsa(rs256(world), "sha256")),
  }),
  ...forged(NO_KEY, {
    "the algorithm of one key and the id of another": (world) =>
      forge({ alg: "ES256", kid: "main-RS256" }, usual(world), rsa(rs256(world), "sha256")),
    "PS256 with the id of the RS256 key": (world) =>
      forge({ alg: "PS256", kid: "main-RS256" }, usual(world), rsa(rs256(world), "sha256")),
  }),
];

export const wrongKeys: TokenCase[] = [
  ...main(NO_KEY, {
    "an unknown key": ({ attacker }) => ({ key: attacker.key }),
    "a key of another issuer": ({ strict }) => ({ key: strict.keys["ES256"] }),
    "an encryption key": ({ main: issuer }) => ({ key: issuer.keys["encrypting"] }),
    "a key id that two keys have": ({ main: issuer }) => ({ key: issuer.keys["twin"] }),
    "no key id if several keys fit": header({ kid: undefined }),
    "an empty key id": header({ kid: "" }),
    "a file path as the key id": header({ kid: "../../../../etc/passwd" }),
    "SQL as the key id": header({ kid: "' or 1=1 --" }),
    "a key id with an extra space": header({ kid: "main-RS256 " }),
    "a key id in capitals": header({ kid: "MAIN-RS256" }),
    "a key id of a thousand letters": header({ kid: "k".repeat(1_000) }),
    "the attacker's key in the header": async ({ attacker }) => ({
      key: attacker.key,
      header: { jwk: await publicJwk(attacker.key) },
    }),
    "the address of the attacker's keys in the header": ({ attacker }) => ({
      key: attacker.key,
      header: { jku: attacker.url },
    }),
    "the address of the attacker's certificate in the header": ({ attacker }) => ({
      key: attacker.key,
      header: { x5u: attacker.url },
    }),
  }),
  ...forged(NO_KEY, {
    "a number as the key id": (world) =>
      forge({ ...RS256_HEADER, kid: 1 }, usual(world), rsa(rs256(world), "sha256")),
    "an object as the key id": (world) =>
      forge({ ...RS256_HEADER, kid: {} }, usual(world), rsa(rs256(world), "sha256")),
  }),
  ...forged(refused("cannot be verified"), {
    "the issuer's key of 1,024 bits": (world) =>
      forge({ alg: "RS256", kid: "main-weak" }, usual(world), rsa(world.main.keys["weak"], "sha256")),
  }),
  ...main(BAD_SIGNATURE, {
    "the attacker's signature with a known key id": ({ attacker }) => ({
      key: attacker.key,
      header: { kid: "main-RS256" },
    }),
    "the attacker's signature with a known key id and the attacker's key in the header": async ({
      attacker,
    }) => ({
      key: attacker.key,
      header: { kid: "main-RS256", jwk: await publicJwk(attacker.key) },
    }),
    "the attacker's signature with a known key id and a certificate in the header": ({ attacker }) => ({
      key: attacker.key,
      header: { kid: "main-RS256", x5c: ["MIIB"] },
    }),
  }),
];

export const wrongSignatures: TokenCase[] = [
  ...forged(BAD_SIGNATURE, {
    "one byte of the signature changed": (world) =>
      resigned(world, (signature) => `${signature.startsWith("A") ? "B" : "A"}${signature.slice(1)}`),
    "a truncated signature": (world) => resigned(world, (signature) => signature.slice(0, -8)),
    "a signature with extra characters": (world) => resigned(world, (signature) => `${signature}AAAA`),
    "a signature of zeros": (world) => resigned(world, (signature) => "A".repeat(signature.length)),
    "the signature of another token": async (world) => {
      const other = await signToken({ issuer: world.main, claims: { sub: "bob" } });
      return resigned(world, () => other.split(".")[2] ?? "");
    },
    "claims changed after the signature": async (world) => {
      const [head, , signature] = (await signToken({ issuer: world.main })).split(".");
      const payload = Buffer.from(JSON.stringify({ ...usual(world), sub: "root" })).toString("base64url");
      return `${head}.${payload}.${signature}`;
    },
    "a header changed after the signature": async (world) => {
      const [, payload, signature] = (await signToken({ issuer: world.main })).split(".");
      const head = Buffer.from(JSON.stringify({ ...RS256_HEADER, typ: "JWT" })).toString("base64url");
      return `${head}.${payload}.${signature}`;
    },
    "another hash than the header names": (world) =>
      forge(RS256_HEADER, usual(world), rsa(rs256(world), "sha512")),
    "zeros as an elliptic curve's signature": (world) =>
      forge({ alg: "ES256", kid: "main-ES256" }, usual(world), Buffer.alloc(64).toString("base64url")),
    "an elliptic curve's signature as ASN.1": (world) =>
      forge({ alg: "ES256", kid: "main-ES256" }, usual(world), derSignature(world.main.keys["ES256"])),
  }),
  ...forged(NO_BEARER, {
    "a signature with padding": (world) => resigned(world, (signature) => `${signature}==`),
    "a signature in Base64 instead of Base64url": (world) =>
      resigned(world, (signature) => `${signature.slice(2)}+/`),
    "a space in the signature": (world) =>
      resigned(world, (signature) => `${signature} `.replace(/^(.)/, "$1 ")),
  }),
];
