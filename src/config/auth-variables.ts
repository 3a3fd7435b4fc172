import type { AuthSettings } from "../auth/auth-files.ts";
import { isScope, SCOPES } from "../auth/caller.ts";
import { type ClientCertificateSettings, networksOf } from "../auth/certificate-authenticator.ts";
import { type IssuerSettings, issuerSchema } from "../auth/issuer-settings.ts";
import { problemOfRouterSecret, ROUTER_SECRET_HEADER } from "../auth/router-secret.ts";
import { Secret, type SecretSource } from "../secret.ts";
import type { Variables } from "./variables.ts";

const NEEDS_ISSUER = [
  "AUTH_JWKS_URL",
  "AUTH_JWKS_FILE",
  "AUTH_AUDIENCE",
  "AUTH_REQUIRED_CLAIMS",
  "AUTH_ROLE_CLAIM",
  "AUTH_SCOPE_PREFIXES",
] as const;

/** Where each setting of the schema comes from. */
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

/** By what callers are known; undefined for the development caller, whom only local mode has. Adds to `problems` what is wrong. */
export function authTarget(
  vars: Variables,
  mode: "local" | "server",
  problems: string[],
): AuthSettings | undefined {
  const { AUTH_ISSUER: name, AUTH_ISSUERS_FILE: issuersFile } = vars;
  if (name !== undefined && issuersFile !== undefined) {
    problems.push("Set only one of AUTH_ISSUER and AUTH_ISSUERS_FILE.");
  }
  if (name === undefined) {
    for (const variable of NEEDS_ISSUER) {
      if (vars[variable] !== undefined) problems.push(`${variable} is set without AUTH_ISSUER.`);
    }
  }
  const issuer = name === undefined ? undefined : singleIssuer(vars, problems);
  const certificates = clientCertificates(vars, problems);
  const secret = routerSecret(vars, problems);
  const isAnybodyKnown = name !== undefined || issuersFile !== undefined || certificates !== undefined;
  const certificateSubjectsFile = vars.AUTH_CLIENT_CERT_SUBJECTS_FILE;
  if (certificateSubjectsFile !== undefined && certificates === undefined) {
    problems.push("AUTH_CLIENT_CERT_SUBJECTS_FILE is set without AUTH_CLIENT_CERT_HEADER.");
  }
  if (isAnybodyKnown) {
    return { issuer, issuersFile, certificates, certificateSubjectsFile, routerSecret: secret };
  }
  if (mode === "server") {
    problems.push(
      "Nobody is known: set AUTH_ISSUER and AUTH_AUDIENCE, or AUTH_ISSUERS_FILE, or " +
        "AUTH_CLIENT_CERT_HEADER and its companions. Server mode serves nobody who cannot prove who they are.",
    );
  } else if (secret !== undefined) {
    problems.push(
      "ROUTER_SECRET says by which way a request came and not who asks: set AUTH_ISSUER as well.",
    );
  }
  return undefined;
}

function singleIssuer(vars: Variables, problems: string[]): IssuerSettings | undefined {
  const parsed = issuerSchema.safeParse({
    issuer: vars.AUTH_ISSUER,
    jwksUrl: vars.AUTH_JWKS_URL,
    jwksFile: vars.AUTH_JWKS_FILE,
    audience: wordsOf(vars.AUTH_AUDIENCE),
    audienceClaim: vars.AUTH_AUDIENCE_CLAIM,
    algorithms: wordsOf(vars.AUTH_ALGORITHMS),
    clockToleranceS: vars.AUTH_CLOCK_TOLERANCE_S,
    requiredClaims: wordsOf(vars.AUTH_REQUIRED_CLAIMS),
    clientClaims: wordsOf(vars.AUTH_CLIENT_CLAIMS),
    scopeClaim: vars.AUTH_SCOPE_CLAIM,
    scopePrefixes: wordsOf(vars.AUTH_SCOPE_PREFIXES),
    roleClaim: vars.AUTH_ROLE_CLAIM,
  });
  if (parsed.success) return parsed.data;
  for (const { path, message } of parsed.error.issues) {
    // What a message says of another setting is that setting's name in a file.
    const problem = message.replace(/\bjwksFile\b/, "AUTH_JWKS_FILE");
    problems.push(`${VARIABLE_OF[String(path[0])]} ${problem}.`);
  }
  return undefined;
}

const ALL = ["AUTH_CLIENT_CERT_HEADER", "AUTH_CLIENT_CERT_SCOPES", "AUTH_PROXY_ADDRESSES"] as const;

/** These say other things. */
const TAKEN: readonly string[] = ["authorization", "cookie", "host", ROUTER_SECRET_HEADER];

/** By which header of which proxies callers are known; undefined where by none. Adds to `problems` what is wrong. */
function clientCertificates(vars: Variables, problems: string[]): ClientCertificateSettings | undefined {
  const missing = ALL.filter((name) => vars[name] === undefined);
  // Without a header, the proxies are those that connect for many clients, and no more.
  if (vars.AUTH_CLIENT_CERT_HEADER === undefined && vars.AUTH_CLIENT_CERT_SCOPES === undefined)
    return undefined;
  for (const name of missing) {
    problems.push(`${name} is not set; certificates by a proxy need all of ${ALL.join(", ")}.`);
  }
  const header = vars.AUTH_CLIENT_CERT_HEADER?.toLowerCase() ?? "";
  if (TAKEN.includes(header)) problems.push(`AUTH_CLIENT_CERT_HEADER cannot be ${header}.`);
  const scopes = wordsOf(vars.AUTH_CLIENT_CERT_SCOPES) ?? [];
  for (const scope of scopes.filter((word) => !isScope(word))) {
    problems.push(`AUTH_CLIENT_CERT_SCOPES has "${scope}", which is none of ${SCOPES.join(", ")}.`);
  }
  return { header, proxies: sound(wordsOf(vars.AUTH_PROXY_ADDRESSES)), scopes: scopes.filter(isScope) };
}

/** The addresses and networks of proxies. Adds to `problems` what is wrong. */
export function proxyAddresses(vars: Variables, problems: string[]): readonly string[] {
  const proxies = wordsOf(vars.AUTH_PROXY_ADDRESSES) ?? [];
  for (const proxy of proxies.filter((word) => !isNetwork(word))) {
    problems.push(
      `AUTH_PROXY_ADDRESSES has "${proxy}", which is neither an address nor a network as 10.0.0.0/8.`,
    );
  }
  for (const proxy of proxies.filter((word) => word.endsWith("/0"))) {
    problems.push(`AUTH_PROXY_ADDRESSES has "${proxy}", which is everybody. Name the proxies alone.`);
  }
  return sound(proxies);
}

function sound(proxies: readonly string[] = []): readonly string[] {
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

/** The least that says something, for whoever has none yet. */
export const MINIMAL_POLICY =
  '{"rules": [{"id": "portal", "effect": "allow", "callers": {"clients": ["portal"]}}]}';

/** Where it stands who may change whom. Server mode allows nobody what no rule allows, so it needs one. */
export function policySetting(
  { POLICY_FILE: file }: Variables,
  mode: "local" | "server",
  problems: string[],
): string | undefined {
  if (mode === "server" && file === undefined) {
    problems.push(
      "POLICY_FILE is not set: the file that says who may change whom (docs/iam/policy.md). The least it can say, if a " +
        `client portal may change every user: ${MINIMAL_POLICY}`,
    );
  }
  return file;
}

/** By value or by file. Adds to `problems` what is wrong. */
function routerSecret(vars: Variables, problems: string[]): SecretSource | undefined {
  const { ROUTER_SECRET: value, ROUTER_SECRET_FILE: file } = vars;
  if (value !== undefined && file !== undefined) {
    problems.push("Set only one of ROUTER_SECRET and ROUTER_SECRET_FILE.");
  }
  const problem = value === undefined ? undefined : problemOfRouterSecret(value);
  if (problem !== undefined) problems.push(`ROUTER_SECRET ${problem}.`);
  if (file !== undefined) return { file };
  return value === undefined ? undefined : { value: new Secret(value) };
}

/** The words of a variable that is a list, with commas between them. */
function wordsOf(list: string | undefined): readonly string[] | undefined {
  return list?.split(",").map((word) => word.trim());
}
