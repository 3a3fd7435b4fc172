/**
 * The demo identity provider: `node scripts/stack/issuer.ts KEYS PORT [HOST]`. KEYS is a file with its private keys (a JSON
 * Web Key Set). It issues tokens to the callers in personas.ts by client credentials. Its issuer is always its address on
 * this machine, because docker-compose.yml publishes it there.
 */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type JWKS, Provider } from "oidc-provider";
import { AUDIENCE, PERSONAS } from "./personas.ts";

const ALGORITHM = "ES256";

const [, , keysFile = "", port, host = "127.0.0.1"] = process.argv;

function createProvider(issuer: string, jwks: JWKS): Provider {
  const scopes = [...new Set(Object.values(PERSONAS).flatMap(({ scope }) => scope.split(" ")))];
  return new Provider(issuer, {
    jwks,
    scopes,
    clients: Object.entries(PERSONAS).map(([name, { secret, scope }]) => ({
      client_id: name,
      client_secret: secret,
      scope,
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: [],
      id_token_signed_response_alg: ALGORITHM,
    })),
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      // Makes access tokens JWTs for the gateway, as other providers do for a registered API.
      resourceIndicators: {
        enabled: true,
        defaultResource: () => `urn:${AUDIENCE}`,
        getResourceServerInfo: () => ({
          audience: AUDIENCE,
          scope: scopes.join(" "),
          accessTokenFormat: "jwt",
          jwt: { sign: { alg: ALGORITHM } },
        }),
      },
    },
    ttl: { ClientCredentials: 3_600 },
  });
}

const jwks: JWKS = JSON.parse(await readFile(keysFile, "utf8"));
const server = createServer().listen(Number(port), host);
await once(server, "listening");
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
server.on("request", createProvider(url, jwks).callback());
console.log(`Issuer ${url}`);
process.once("SIGTERM", () => server.close());
