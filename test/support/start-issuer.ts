import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { SCOPES } from "../../src/auth/scope.ts";
import { keepSecret, SHORTEST_SECRET } from "./leaks/written.ts";
import { whenOver } from "./when-over.ts";

export const AUDIENCE = "cam-mfa-gateway";

export interface SigningKey {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
}

/** What a token says otherwise than usual; a claim or parameter that is undefined is left out. */
export interface TokenOptions {
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly header?: Readonly<Record<string, unknown>>;
  readonly key?: SigningKey;
}

export interface StartedIssuer {
  readonly url: string;
  readonly jwksUrl: string;
  /** The variables of a gateway that trusts it. */
  readonly env: Readonly<Record<string, string>>;
  /** The newest key, by which it signs. */
  readonly key: SigningKey;
  /** How often its keys were asked for. */
  readonly served: () => number;
  /** Puts another key in the place of all that there are. */
  rotate(): Promise<void>;
  /** Answers so instead of with its keys, until told otherwise. */
  answer(status: number | undefined, headers?: Readonly<Record<string, string>>): void;
  /** A token of its own, which is good for everything for five minutes. */
  sign(options?: TokenOptions): Promise<string>;
}

export async function createKey(kid: string, alg = "RS256"): Promise<SigningKey> {
  return { kid, alg, ...(await generateKeyPair(alg, { extractable: true })) };
}

/** An issuer of tokens on loopback, with a key set that it serves as an OpenID provider does. */
export async function startIssuer(options: { readonly nowMs?: () => number } = {}): Promise<StartedIssuer> {
  const nowMs = options.nowMs ?? Date.now;
  let keys = [await createKey("key-1")];
  let served = 0;
  let other: { status: number; headers: Readonly<Record<string, string>> } | undefined;
  const server = createServer(async (_request, response) => {
    served += 1;
    if (other !== undefined) return void response.writeHead(other.status, { ...other.headers }).end("{}");
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ keys: await Promise.all(keys.map(publicJwk)) }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  whenOver(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const newest = (): SigningKey => keys.at(-1) as SigningKey;
  return {
    url,
    jwksUrl: `${url}/jwks`,
    env: { AUTH_ISSUER: url, AUTH_JWKS_URL: `${url}/jwks`, AUTH_AUDIENCE: AUDIENCE },
    get key() {
      return newest();
    },
    served: () => served,
    rotate: async () => {
      keys = [await createKey(`key-${Number(newest().kid.slice(4)) + 1}`)];
    },
    answer: (status, headers = {}) => {
      other = status === undefined ? undefined : { status, headers };
    },
    sign: ({ claims, header, key = newest() } = {}) =>
      signToken({ ...usualClaims(url, nowMs()), ...claims }, { alg: key.alg, kid: key.kid, ...header }, key),
  };
}

export function usualClaims(issuer: string, nowMs: number): JWTPayload {
  const now = Math.floor(nowMs / 1_000);
  return {
    iss: issuer,
    sub: "alice@example.com",
    aud: AUDIENCE,
    azp: "portal",
    iat: now,
    exp: now + 300,
    scope: SCOPES.join(" "),
  };
}

export async function publicJwk({ kid, alg, publicKey }: SigningKey): Promise<Record<string, unknown>> {
  return { ...(await exportJWK(publicKey)), kid, alg, use: "sig" };
}

async function signToken(...parts: Parameters<typeof signUnkept>): Promise<string> {
  return keepToken(await signUnkept(...parts));
}

/** A token that was never told to anybody. */
export function signUnkept(
  claims: JWTPayload,
  header: Readonly<Record<string, unknown>>,
  { alg, privateKey }: SigningKey,
): Promise<string> {
  const given = Object.fromEntries(Object.entries(header).filter(([, value]) => value !== undefined));
  return new SignJWT(claims).setProtectedHeader({ alg, ...given }).sign(privateKey);
}

/** Its signature must be seen nowhere; what is before that stands in other tokens as well. */
export function keepToken(token: string): string {
  const signature = token.split(".")[2] ?? "";
  if (signature.length >= SHORTEST_SECRET) keepSecret("a token", signature);
  return token;
}
