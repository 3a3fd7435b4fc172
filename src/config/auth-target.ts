import type { AuthSettings } from "../auth/auth-files.ts";
import type { IssuerSettings } from "../auth/issuer-settings.ts";
import { issuerSchema } from "../auth/issuer-settings.ts";
import { clientCertificates } from "./client-certificates.ts";
import { routerSecret } from "./router-secret.ts";
import type { Variables } from "./variables.ts";
import { wordsOf } from "./words-of.ts";

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
