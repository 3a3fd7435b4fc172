/**
 * The demo identity provider: `node scripts/stack/issuer.ts KEYS PORT [HOST]`. KEYS is a file with its private keys (a JSON
 * Web Key Set). It issues tokens to the callers in personas.ts: by client credentials to programs, and by the authorization
 * code flow to people in the console, who type the caller's name and any password. Its issuer is always its address on
 * this machine, because docker-compose.yml publishes it there.
 */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  type ClientMetadata,
  interactionPolicy,
  type JWKS,
  type KoaContextWithOIDC,
  Provider,
} from "oidc-provider";
import { AUDIENCE, PERSONAS, type Persona, type PersonaName } from "./personas.ts";

const ALGORITHM = "ES256";

const [, , keysFile = "", port, host = "127.0.0.1"] = process.argv;

const RESOURCE = `urn:${AUDIENCE}`;

const SCOPES = [...new Set(Object.values(PERSONAS).flatMap(({ scope }) => scope.split(" ")))];

function createProvider(issuer: string, jwks: JWKS): Provider {
  return new Provider(issuer, {
    jwks,
    scopes: ["openid", ...SCOPES],
    clients: [...Object.entries(PERSONAS).map(([name, persona]) => programOf(name, persona)), CONSOLE_CLIENT],
    findAccount: (_context, id) =>
      Object.hasOwn(PERSONAS, id) ? { accountId: id, claims: () => ({ sub: id }) } : undefined,
    loadExistingGrant: (context) => grantOf(context),
    interactions: { policy: withoutConsent() },
    clientBasedCORS: (_context, _origin, { clientId }) => clientId === CONSOLE_CLIENT.client_id,
    cookies: { keys: [randomBytes(32).toString("base64url")] },
    features: {
      clientCredentials: { enabled: true },
      // The sign-in page of this demo accepts any password.
      devInteractions: { enabled: true },
      // Makes access tokens JWTs for the gateway, as other providers do for a registered API.
      resourceIndicators: {
        enabled: true,
        defaultResource: () => RESOURCE,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          audience: AUDIENCE,
          scope: SCOPES.join(" "),
          accessTokenFormat: "jwt",
          jwt: { sign: { alg: ALGORITHM } },
        }),
      },
    },
    ttl: {
      ClientCredentials: 3_600,
      AccessToken: 3_600,
      IdToken: 3_600,
      Interaction: 600,
      Session: 3_600,
      Grant: 3_600,
    },
  });
}

/** The usual steps of a sign-in, without the question that the provider asks the people of native clients each time. */
function withoutConsent(): interactionPolicy.DefaultPolicy {
  const policy = interactionPolicy.base();
  policy.get("consent")?.checks.remove("native_client_prompt");
  return policy;
}

/** The client of a caller's programs. */
function programOf(name: string, { secret, scope }: Persona): ClientMetadata {
  return {
    client_id: name,
    client_secret: secret,
    scope,
    grant_types: ["client_credentials"],
    redirect_uris: [],
    response_types: [],
    id_token_signed_response_alg: ALGORITHM,
  };
}

/** The console's client. A native client may have any port of the loopback address (RFC 8252, section 7.3). */
const CONSOLE_CLIENT = {
  client_id: "console",
  application_type: "native",
  token_endpoint_auth_method: "none",
  grant_types: ["authorization_code"],
  response_types: ["code"],
  redirect_uris: ["http://127.0.0.1/console"],
  id_token_signed_response_alg: ALGORITHM,
} as const satisfies ClientMetadata;

/** Grants a person the scopes of the caller whose name they signed in with, and no others, without a question. */
async function grantOf({ oidc: { client, session, provider } }: KoaContextWithOIDC) {
  const accountId = session?.accountId;
  if (client === undefined || accountId === undefined) return undefined;
  const persona: Persona | undefined = PERSONAS[accountId as PersonaName];
  const granted = persona?.scope.split(" ") ?? [];
  const grant = new provider.Grant({ clientId: client.clientId, accountId });
  grant.addOIDCScope("openid");
  grant.rejectOIDCScope(SCOPES.join(" "));
  grant.addResourceScope(RESOURCE, granted.join(" "));
  grant.rejectResourceScope(RESOURCE, SCOPES.filter((scope) => !granted.includes(scope)).join(" "));
  await grant.save();
  return grant;
}

const jwks: JWKS = JSON.parse(await readFile(keysFile, "utf8"));
const server = createServer().listen(Number(port), host);
await once(server, "listening");
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
server.on("request", createProvider(url, jwks).callback());
console.log(`Issuer ${url}`);
process.once("SIGTERM", () => server.close());
