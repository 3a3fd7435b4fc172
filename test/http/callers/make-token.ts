import { createHmac, KeyObject, sign as signBytes } from "node:crypto";
import { SignJWT } from "jose";
import { keepToken, type SigningKey } from "../../support/start-issuer.ts";
import { AUDIENCES, type Issuer, NOW } from "./token-world.ts";

/** The differences of a token from a good one. An undefined claim or parameter is left out. */
export interface Otherwise {
  readonly issuer: Issuer;
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
  /** Signs instead of the issuer's own key. */
  readonly key?: SigningKey | undefined;
}

export function goodClaims({ name }: Issuer): Record<string, unknown> {
  return {
    iss: name,
    sub: "alice@example.com",
    aud: AUDIENCES[0],
    iat: NOW,
    exp: NOW + 300,
    scope: "openid cam.quota:read",
    tenant: "t1",
    "https://strict.example/permissions": ["cam.quota:read"],
  };
}

/** Signs a token in the name of an issuer. */
export async function signToken({ issuer, claims, header, key }: Otherwise): Promise<string> {
  const signing = key ?? (Object.values(issuer.keys)[0] as SigningKey);
  const parameters = given({ alg: signing.alg, kid: signing.kid, ...header });
  const unsigned = new SignJWT(given({ ...goodClaims(issuer), ...claims }));
  return keepToken(await unsigned.setProtectedHeader(parameters as { alg: string }).sign(signing.privateKey));
}

/** Builds a token from any header and payload, without a library. A `signature` function receives the signing input. */
export function forge(
  header: unknown,
  payload: unknown,
  signature: string | ((input: string) => string),
): string {
  const input = `${encode(header)}.${encode(payload)}`;
  return keepToken(`${input}.${typeof signature === "string" ? signature : signature(input)}`);
}

export function hmac(hash: string, secret: string | Buffer): (input: string) => string {
  return (input) => createHmac(hash, secret).update(input).digest("base64url");
}

/** Signs with an RSA key and any hash. */
export function rsa(key: SigningKey | undefined, hash: string): (input: string) => string {
  const privateKey = KeyObject.from((key as SigningKey).privateKey);
  return (input) => signBytes(hash, Buffer.from(input), privateKey).toString("base64url");
}

/** Signs with ECDSA in the ASN.1 form, which JWS does not use. */
export function derSignature(key: SigningKey | undefined): (input: string) => string {
  const privateKey = KeyObject.from((key as SigningKey).privateKey);
  return (input) =>
    signBytes("sha256", Buffer.from(input), { key: privateKey, dsaEncoding: "der" }).toString("base64url");
}

function given(object: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}

/** Encodes a part. A text is not turned into JSON, so that a part can be invalid JSON. */
function encode(part: unknown): string {
  const bytes = Buffer.isBuffer(part)
    ? part
    : Buffer.from(typeof part === "string" ? part : JSON.stringify(part));
  return bytes.toString("base64url");
}
