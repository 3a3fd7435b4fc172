import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { SCOPES } from "../../src/auth/caller.ts";
import { keepSecret, SHORTEST_SECRET } from "./leaks/written.ts";
import { whenOver } from "./when-over.ts";

export const AUDIENCE = "cam-mfa-gateway";

export interface SigningKey {
  readonly kid: string;
  readonly alg: string;
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
}

/** Changed claims and parameters of a token; undefined removes one. */
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
  /** The current signing key. */
  readonly key: SigningKey;
  /** How often its keys were asked for. */
  readonly served: () => number;
  /** The variables of a gateway that knows no more than its name. */
  readonly discoveredEnv: Readonly<Record<string, string>>;
  /** Asks for a token as a program does that is registered with the issuer (RFC 6749, section 4.4). */
  grant(scope: string): Promise<string>;
  /** Replaces all keys by a new one. */
  rotate(): Promise<void>;
  /** Answers so instead of with its keys, until told otherwise. */
  answer(status: number | undefined, headers?: Readonly<Record<string, string>>): void;
  /** A token of its own, which is good for everything for five minutes. */
  sign(options?: TokenOptions): Promise<string>;
}

export async function createKey(kid: string, alg = "RS256"): Promise<SigningKey> {
  return { kid, alg, ...(await generateKeyPair(alg, { extractable: true })) };
}

/** Starts an OpenID provider on loopback that serves its key set. */
export async function startIssuer(options: { readonly nowMs?: () => number } = {}): Promise<StartedIssuer> {
  const nowMs = options.nowMs ?? Date.now;
  let keys = [await createKey("key-1")];
  let served = 0;
  let other: { status: number; headers: Readonly<Record<string, string>> } | undefined;
  const clientSecret = keepSecret("an issuer's client", randomBytes(24).toString("base64url"));
  const answers: Readonly<Record<string, (request: IncomingMessage) => Promise<object | undefined>>> = {
    "/.well-known/openid-configuration": async () => ({
      issuer: url,
      jwks_uri: `${url}/jwks`,
      token_endpoint: `${url}/token`,
      grant_types_supported: ["client_credentials"],
    }),
    "/jwks": async () => ({ keys: await Promise.all(keys.map(publicJwk)) }),
    "/token": async (request) => {
      if (request.headers.authorization !== basic(clientSecret)) return undefined;
      const scope = new URLSearchParams(await text(request)).get("scope") ?? "";
      return {
        access_token: await sign({ claims: { sub: CLIENT, azp: CLIENT, scope } }),
        token_type: "Bearer",
      };
    },
  };
  const server = createServer(async (request, response) => {
    if (request.url === "/jwks") served += 1;
    if (other !== undefined) return void response.writeHead(other.status, { ...other.headers }).end("{}");
    const answer = await answers[request.url ?? ""]?.(request);
    response.writeHead(answer === undefined ? 401 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(answer ?? { error: "invalid_client" }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  whenOver(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const newest = (): SigningKey => keys.at(-1) as SigningKey;
  const sign = ({ claims, header, key = newest() }: TokenOptions = {}): Promise<string> =>
    signToken({ ...usualClaims(url, nowMs()), ...claims }, { alg: key.alg, kid: key.kid, ...header }, key);
  return {
    url,
    jwksUrl: `${url}/jwks`,
    env: { AUTH_ISSUER: url, AUTH_JWKS_URL: `${url}/jwks`, AUTH_AUDIENCE: AUDIENCE },
    discoveredEnv: { AUTH_ISSUER: url, AUTH_AUDIENCE: AUDIENCE },
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
    sign,
    grant: async (scope) => {
      const response = await fetch(`${url}/token`, {
        method: "POST",
        headers: { authorization: basic(clientSecret) },
        body: new URLSearchParams({ grant_type: "client_credentials", scope }),
      });
      return ((await response.json()) as { readonly access_token: string }).access_token;
    },
  };
}

/** A client program that is registered with each issuer. */
const CLIENT = "night-job";

function basic(secret: string): string {
  return `Basic ${Buffer.from(`${CLIENT}:${secret}`).toString("base64")}`;
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

/** Returns a new secret token. */
export function signUnkept(
  claims: JWTPayload,
  header: Readonly<Record<string, unknown>>,
  { alg, privateKey }: SigningKey,
): Promise<string> {
  const given = Object.fromEntries(Object.entries(header).filter(([, value]) => value !== undefined));
  return new SignJWT(claims).setProtectedHeader({ alg, ...given }).sign(privateKey);
}

/** Registers the signature as a secret. The first parts also occur in other tokens. */
export function keepToken(token: string): string {
  const signature = token.split(".")[2] ?? "";
  if (signature.length >= SHORTEST_SECRET) keepSecret("a token", signature);
  return token;
}
