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

/** Tokens whose algorithm, key or signature is not the issuer's. */
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
        `${alg}, which the issuer is not to use`,
        (world: TokenWorld) => forge({ ...RS256_HEADER, alg }, usual(world), rsa(rs256(world), "sha256")),
      ]),
    ]),
  ),
  ...forged(NOT_SIGNED_SO, {
    "HS256 with the key as JSON for the secret": async (world) => {
      const jwk = JSON.stringify(await publicJwk(rs256(world) as never));
      return forge({ alg: "HS256", kid: "main-RS256" }, usual(world), hmac("sha256", jwk));
    },
    "HS256 with an empty secret": (world) =>
      forge({ alg: "HS256", kid: "main-RS256" }, usual(world), hmac("sha256", "")),
    "HS256 with a secret that stands in the key set": (world) =>
      forge({ alg: "HS256", kid: "symmetric" }, usual(world), hmac("sha256", "a secret in a key set")),
    "an algorithm that another issuer may use": (world) =>
      forge(RS256_HEADER, goodClaims(world.strict), rsa(rs256(world), "sha256")),
  }),
  ...forged(UNREADABLE, {
    "no algorithm": (world) => forge({ kid: "main-RS256" }, usual(world), rsa(rs256(world), "sha256")),
    "an empty algorithm": (world) => forge({ alg: "" }, usual(world), rsa(rs256(world), "sha256")),
    "a number for an algorithm": (world) => forge({ alg: 256 }, usual(world), rsa(rs256(world), "sha256")),
    "a list of algorithms": (world) => forge({ alg: ["RS256"] }, usual(world), rsa(rs256(world), "sha256")),
  }),
  ...forged(NO_KEY, {
    "the algorithm of one key and the id of another": (world) =>
      forge({ alg: "ES256", kid: "main-RS256" }, usual(world), rsa(rs256(world), "sha256")),
    "PSS announced, with the id of the other RSA key": (world) =>
      forge({ alg: "PS256", kid: "main-RS256" }, usual(world), rsa(rs256(world), "sha256")),
  }),
];

export const wrongKeys: TokenCase[] = [
  ...main(NO_KEY, {
    "a key that nobody has heard of": ({ attacker }) => ({ key: attacker.key }),
    "a key of another issuer": ({ strict }) => ({ key: strict.keys["ES256"] }),
    "a key for encrypting": ({ main: issuer }) => ({ key: issuer.keys["encrypting"] }),
    "an id that two keys have": ({ main: issuer }) => ({ key: issuer.keys["twin"] }),
    "no id, where two keys fit": header({ kid: undefined }),
    "an empty id": header({ kid: "" }),
    "an id that leads to a file": header({ kid: "../../../../etc/passwd" }),
    "an id that is SQL": header({ kid: "' or 1=1 --" }),
    "an id with a letter more": header({ kid: "main-RS256 " }),
    "an id in other letters": header({ kid: "MAIN-RS256" }),
    "an id of a thousand letters": header({ kid: "k".repeat(1_000) }),
    "its own key in the header": async ({ attacker }) => ({
      key: attacker.key,
      header: { jwk: await publicJwk(attacker.key) },
    }),
    "the address of its own keys in the header": ({ attacker }) => ({
      key: attacker.key,
      header: { jku: attacker.url },
    }),
    "the address of its own certificate in the header": ({ attacker }) => ({
      key: attacker.key,
      header: { x5u: attacker.url },
    }),
  }),
  ...forged(NO_KEY, {
    "a number for an id": (world) =>
      forge({ ...RS256_HEADER, kid: 1 }, usual(world), rsa(rs256(world), "sha256")),
    "an object for an id": (world) =>
      forge({ ...RS256_HEADER, kid: {} }, usual(world), rsa(rs256(world), "sha256")),
  }),
  ...forged(refused("cannot be verified"), {
    "a key of 1,024 bits, though it is the issuer's": (world) =>
      forge({ alg: "RS256", kid: "main-weak" }, usual(world), rsa(world.main.keys["weak"], "sha256")),
  }),
  ...main(BAD_SIGNATURE, {
    "another's signature under a known id": ({ attacker }) => ({
      key: attacker.key,
      header: { kid: "main-RS256" },
    }),
    "the same, with the key to it in the header": async ({ attacker }) => ({
      key: attacker.key,
      header: { kid: "main-RS256", jwk: await publicJwk(attacker.key) },
    }),
    "the same, with its certificate in the header": ({ attacker }) => ({
      key: attacker.key,
      header: { kid: "main-RS256", x5c: ["MIIB"] },
    }),
  }),
];

export const wrongSignatures: TokenCase[] = [
  ...forged(BAD_SIGNATURE, {
    "one byte of the signature changed": (world) =>
      resigned(world, (signature) => `${signature.startsWith("A") ? "B" : "A"}${signature.slice(1)}`),
    "a signature cut short": (world) => resigned(world, (signature) => signature.slice(0, -8)),
    "a signature with more behind it": (world) => resigned(world, (signature) => `${signature}AAAA`),
    "a signature of noughts": (world) => resigned(world, (signature) => "A".repeat(signature.length)),
    "the signature of another token": async (world) => {
      const other = await signToken({ issuer: world.main, claims: { sub: "bob" } });
      return resigned(world, () => other.split(".")[2] ?? "");
    },
    "claims changed under their signature": async (world) => {
      const [head, , signature] = (await signToken({ issuer: world.main })).split(".");
      const payload = Buffer.from(JSON.stringify({ ...usual(world), sub: "root" })).toString("base64url");
      return `${head}.${payload}.${signature}`;
    },
    "a header changed over its signature": async (world) => {
      const [, payload, signature] = (await signToken({ issuer: world.main })).split(".");
      const head = Buffer.from(JSON.stringify({ ...RS256_HEADER, typ: "JWT" })).toString("base64url");
      return `${head}.${payload}.${signature}`;
    },
    "another hash than announced": (world) => forge(RS256_HEADER, usual(world), rsa(rs256(world), "sha512")),
    "noughts for an elliptic curve's signature": (world) =>
      forge({ alg: "ES256", kid: "main-ES256" }, usual(world), Buffer.alloc(64).toString("base64url")),
    "an elliptic curve's signature as ASN.1": (world) =>
      forge({ alg: "ES256", kid: "main-ES256" }, usual(world), derSignature(world.main.keys["ES256"])),
  }),
  ...forged(NO_BEARER, {
    "a signature with padding": (world) => resigned(world, (signature) => `${signature}==`),
    "a signature in the other Base64": (world) => resigned(world, (signature) => `${signature.slice(2)}+/`),
    "a space in the signature": (world) =>
      resigned(world, (signature) => `${signature} `.replace(/^(.)/, "$1 ")),
  }),
];
