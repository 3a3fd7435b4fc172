import { createServer, type RequestListener, request } from "node:http";
import type { AddressInfo } from "node:net";
import { systemClock } from "../../../src/clock.ts";
import { startGateway } from "../../support/start-gateway.ts";
import { createKey, publicJwk, type SigningKey } from "../../support/start-issuer.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { whenOver } from "../../support/when-over.ts";

/** The time of every case. The gateway's clock does not move, so that no case depends on its speed. */
export const NOW_MS = Math.floor(Date.now() / 1_000) * 1_000;
export const NOW = NOW_MS / 1_000;
/** The audiences of the main issuer. Only the first is accepted from the other issuers. */
export const AUDIENCES = ["cam-mfa-gateway", "api://cam"] as const;
export const TOLERANCE_S = 10;

/** Issuers that the gateway trusts, their keys, and an attacker. */
export interface TokenWorld {
  /** An issuer with the default algorithms and a key for each. */
  readonly main: Issuer;
  /** An issuer that requires another claim, has its scopes in another claim and its keys in a file. */
  readonly strict: Issuer;
  /** Issuers whose keys cannot be loaded, each for another reason. */
  readonly away: Readonly<Record<"redirecting" | "failing" | "garbled" | "endless" | "empty", Issuer>>;
  readonly attacker: { readonly key: SigningKey; readonly url: string; readonly asked: () => number };
  /** Sends an operation that needs a scope, with these headers. A name is sent once for each of its values. */
  ask(headers: Readonly<Record<string, readonly string[]>>, search?: string): Promise<Answer>;
  readonly logLines: readonly string[];
}

export interface Issuer {
  readonly name: string;
  readonly keys: Readonly<Record<string, SigningKey>>;
}

export interface Answer {
  readonly status: number;
  readonly challenge: string | undefined;
  readonly body: {
    readonly data?: object | null;
    readonly errors?: readonly { readonly message: string; readonly extensions: { readonly code: string } }[];
  };
}

export async function startTokenWorld(): Promise<TokenWorld> {
  const kinds = ["RS256", "PS256", "ES256", "EdDSA"];
  const entries = kinds.map(async (alg) => [alg, await createKey(`main-${alg}`, alg)] as const);
  const main = Object.fromEntries(await Promise.all(entries));
  const twins = [await createKey("twin", "ES256"), await createKey("twin", "ES256")] as const;
  const weak = await createWeakKey("main-weak");
  const encrypting = await createKey("main-encrypting");
  const strictKey = await createKey("strict", "ES256");
  const attackerKey = await createKey("attacker");
  const jwks = {
    keys: [
      ...(await Promise.all([...Object.values(main), ...twins, weak].map(publicJwk))),
      { ...(await publicJwk(encrypting)), use: "enc" },
      {
        kty: "oct",
        kid: "symmetric",
        alg: "HS256",
        k: Buffer.from("a secret in a key set").toString("base64url"),
      },
    ],
  };
  const mainUrl = await serve((_, response) => response.end(JSON.stringify(jwks)));
  let asked = 0;
  const attackerJwks = JSON.stringify({ keys: [await publicJwk(attackerKey)] });
  const attackerUrl = await serve((_, response) => {
    asked += 1;
    response.end(attackerJwks);
  });
  const awayUrls = {
    redirecting: await serve((_, response) => response.writeHead(302, { location: attackerUrl }).end()),
    failing: await serve((_, response) => response.writeHead(500).end(attackerJwks)),
    garbled: await serve((_, response) => response.end("<html>")),
    endless: await serve((_, response) => response.end(`{"keys":[],"x":"${"x".repeat(300_000)}"}`)),
    empty: await serve((_, response) => response.end('{"keys":"none"}')),
  };
  const folder = await temporaryFolder();
  const jwksFile = await folder.write("strict.json", JSON.stringify({ keys: [await publicJwk(strictKey)] }));
  const away = Object.entries(awayUrls).map(([name, jwksUrl]) => ({
    issuer: name,
    jwksUrl,
    audience: AUDIENCES[0],
  }));
  const issuers = [
    { issuer: "https://main.example", jwksUrl: mainUrl, audience: AUDIENCES, clockToleranceS: TOLERANCE_S },
    {
      issuer: "https://strict.example",
      jwksFile,
      audience: AUDIENCES[0],
      algorithms: ["ES256"],
      clockToleranceS: 0,
      requiredClaims: ["tenant"],
      scopeClaim: "https://strict.example/permissions",
      roleClaim: "realm_access.roles",
      roleScopes: { auditor: ["cam.audit:read"], operator: ["cam.quota:read", "cam.mfa:write"] },
    },
    ...away,
  ];
  const issuersFile = await folder.write("issuers.json", JSON.stringify({ issuers }));
  const gateway = await startGateway({
    callers: "proved",
    clock: { ...systemClock, now: () => NOW_MS },
    env: {
      AUTH_ISSUER: "",
      AUTH_JWKS_URL: "",
      AUTH_AUDIENCE: "",
      AUTH_ISSUERS_FILE: issuersFile,
      CALLER_RATE_PER_SECOND: "0",
    },
  });
  const { url } = gateway.gateway.address;
  return {
    main: {
      name: "https://main.example",
      keys: { ...main, twin: twins[0], encrypting, weak },
    },
    strict: { name: "https://strict.example", keys: { ES256: strictKey } },
    away: Object.fromEntries(
      Object.keys(awayUrls).map((name) => [name, { name, keys: { RS256: attackerKey } }]),
    ) as unknown as TokenWorld["away"],
    attacker: { key: attackerKey, url: attackerUrl, asked: () => asked },
    ask: (headers, search = "") => post(`${url}${search}`, headers),
    logLines: gateway.logLines,
  };
}

/** Creates an RSA key that is too short. jose refuses to create it. */
async function createWeakKey(kid: string): Promise<SigningKey> {
  const algorithm = {
    name: "RSASSA-PKCS1-v1_5",
    modulusLength: 1_024,
    publicExponent: Uint8Array.of(1, 0, 1),
    hash: "SHA-256",
  };
  return { kid, alg: "RS256", ...(await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"])) };
}

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  whenOver(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
}

/** Posts an operation. Unlike fetch, it sends a repeated header repeatedly. */
function post(url: string, headers: Readonly<Record<string, readonly string[]>>): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const given = Object.fromEntries(Object.entries(headers).map(([name, values]) => [name, [...values]]));
  const sent = request(
    url,
    { method: "POST", headers: { "content-type": "application/json", ...given } },
    async (response) => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of response) chunks.push(chunk);
      resolve({
        status: response.statusCode ?? 0,
        challenge: response.headers["www-authenticate"],
        body: JSON.parse(Buffer.concat(chunks).toString()),
      });
    },
  );
  sent.on("error", reject).end(JSON.stringify({ query: "{ camQuota { action } }" }));
  return promise;
}
