import type { AuthSettings } from "../auth/auth-files.ts";
import { type ClientCertificateSettings, networksOf } from "../auth/authenticator.ts";
import { isScope, SCOPES } from "../auth/caller.ts";
import { type IssuerSettings, issuerSchema } from "../auth/issuer-settings.ts";
import { problemOfRouterSecret, ROUTER_SECRET_HEADER } from "../auth/request-authenticator.ts";
import { Secret, type SecretSource } from "../secret.ts";
import type { ConfigInput } from "./variables.ts";

/** Returns how callers authenticate. Undefined in local mode for the developer, who needs no token. */
export function readAuthSettings(input: ConfigInput): AuthSettings | undefined {
  const { vars, mode, problems } = input;
  const { AUTH_ISSUERS_FILE: issuersFile, AUTH_CLIENT_CERT_SUBJECTS_FILE: certificateSubjectsFile } = vars;
  const issuer = vars.AUTH_ISSUER === undefined ? undefined : readIssuer(input);
  const certificates = readClientCertificates(input);
  const routerSecret = readRouterSecret(input);
  if (vars.AUTH_ISSUER !== undefined || issuersFile !== undefined || certificates !== undefined) {
    return { issuer, issuersFile, certificates, certificateSubjectsFile, routerSecret };
  }
  if (mode === "server") {
    problems.push(
      "No caller can authenticate: set AUTH_ISSUER and AUTH_AUDIENCE, or AUTH_ISSUERS_FILE, or " +
        "AUTH_CLIENT_CERT_HEADER and its companions. Server mode requires that callers authenticate.",
    );
  } else if (routerSecret !== undefined) {
    problems.push("ROUTER_SECRET authenticates the router and not the caller: set AUTH_ISSUER as well.");
  }
  return undefined;
}

/** The variable of each key of the schema. */
const VARIABLE_OF: Readonly<Record<string, string>> = {
  issuer: "AUTH_ISSUER",
  jwksUrl: "AUTH_JWKS_URL",
  audience: "AUTH_AUDIENCE",
  algorithms: "AUTH_ALGORITHMS",
  requiredClaims: "AUTH_REQUIRED_CLAIMS",
  audienceClaim: "AUTH_AUDIENCE_CLAIM",
  clientClaims: "AUTH_CLIENT_CLAIMS",
  scopeClaim: "AUTH_SCOPE_CLAIM",
  scopePrefixes: "AUTH_SCOPE_PREFIXES",
};

function readIssuer({ vars, problems }: ConfigInput): IssuerSettings | undefined {
  const parsed = issuerSchema.safeParse({
    issuer: vars.AUTH_ISSUER,
    jwksUrl: vars.AUTH_JWKS_URL,
    jwksFile: vars.AUTH_JWKS_FILE,
    audience: listOf(vars.AUTH_AUDIENCE),
    audienceClaim: vars.AUTH_AUDIENCE_CLAIM,
    algorithms: listOf(vars.AUTH_ALGORITHMS),
    clockToleranceS: vars.AUTH_CLOCK_TOLERANCE_S,
    requiredClaims: listOf(vars.AUTH_REQUIRED_CLAIMS),
    clientClaims: listOf(vars.AUTH_CLIENT_CLAIMS),
    scopeClaim: vars.AUTH_SCOPE_CLAIM,
    scopePrefixes: listOf(vars.AUTH_SCOPE_PREFIXES),
    roleClaim: vars.AUTH_ROLE_CLAIM,
  });
  for (const { path, message } of parsed.error?.issues ?? []) {
    // A message that names another key names its variable here.
    problems.push(`${VARIABLE_OF[String(path[0])]} ${message.replace(/\bjwksFile\b/, "AUTH_JWKS_FILE")}.`);
  }
  return parsed.data;
}

const CERTIFICATE_VARIABLES = [
  "AUTH_CLIENT_CERT_HEADER",
  "AUTH_CLIENT_CERT_SCOPES",
  "AUTH_PROXY_ADDRESSES",
] as const;

/** Headers with another meaning. */
const RESERVED_HEADERS: readonly string[] = ["authorization", "cookie", "host", ROUTER_SECRET_HEADER];

/** Returns undefined without AUTH_CLIENT_CERT_*: AUTH_PROXY_ADDRESSES alone concerns the connection limit. */
function readClientCertificates({ vars, problems }: ConfigInput): ClientCertificateSettings | undefined {
  if (vars.AUTH_CLIENT_CERT_HEADER === undefined && vars.AUTH_CLIENT_CERT_SCOPES === undefined)
    return undefined;
  for (const name of CERTIFICATE_VARIABLES.filter((variable) => vars[variable] === undefined)) {
    problems.push(
      `${name} is not set; certificates from a proxy need all of ${CERTIFICATE_VARIABLES.join(", ")}.`,
    );
  }
  const header = vars.AUTH_CLIENT_CERT_HEADER?.toLowerCase() ?? "";
  if (RESERVED_HEADERS.includes(header)) problems.push(`AUTH_CLIENT_CERT_HEADER cannot be ${header}.`);
  const scopes = listOf(vars.AUTH_CLIENT_CERT_SCOPES) ?? [];
  for (const scope of scopes.filter((word) => !isScope(word))) {
    problems.push(`AUTH_CLIENT_CERT_SCOPES has "${scope}", which is none of ${SCOPES.join(", ")}.`);
  }
  const proxies = (listOf(vars.AUTH_PROXY_ADDRESSES) ?? []).filter(isNetwork);
  return { header, proxies, scopes: scopes.filter(isScope) };
}

/** Returns the addresses and networks of proxies. */
export function readProxyAddresses({ vars, problems }: ConfigInput): readonly string[] {
  const proxies = listOf(vars.AUTH_PROXY_ADDRESSES) ?? [];
  for (const proxy of proxies) {
    if (!isNetwork(proxy)) {
      problems.push(
        `AUTH_PROXY_ADDRESSES has "${proxy}", which is neither an address nor a network such as 10.0.0.0/8.`,
      );
    }
    if (proxy.endsWith("/0")) {
      problems.push(
        `AUTH_PROXY_ADDRESSES has "${proxy}", which covers every address. Name only the proxies.`,
      );
    }
  }
  return proxies.filter(isNetwork);
}

function isNetwork(text: string): boolean {
  try {
    networksOf([text]);
    return true;
  } catch {
    return false;
  }
}

function readRouterSecret({ vars, problems }: ConfigInput): SecretSource | undefined {
  const { ROUTER_SECRET: value, ROUTER_SECRET_FILE: file } = vars;
  const problem = value === undefined ? undefined : problemOfRouterSecret(value);
  if (problem !== undefined) problems.push(`ROUTER_SECRET ${problem}.`);
  if (file !== undefined) return { file };
  return value === undefined ? undefined : { value: new Secret(value) };
}

/** The shortest useful policy, for an operator without one. */
export const MINIMAL_POLICY =
  '{"rules": [{"id": "portal", "effect": "allow", "callers": {"clients": ["portal"]}}]}';

/** Returns the policy's file. Server mode requires one: it allows only what a rule allows. */
export function readPolicyFile({ vars, mode, problems }: ConfigInput): string | undefined {
  if (mode === "server" && vars.POLICY_FILE === undefined) {
    problems.push(
      "POLICY_FILE is not set: the file with the rules for callers and users (docs/iam/policy.md). The shortest " +
        `policy, which lets the client portal change every user: ${MINIMAL_POLICY}`,
    );
  }
  return vars.POLICY_FILE;
}

/** Splits a list of words with commas between them. */
function listOf(text: string | undefined): readonly string[] | undefined {
  return text?.split(",").map((word) => word.trim());
}
