import { createLocalJWKSet } from "jose";
import { z } from "zod";
import { Secret, type SecretSource } from "../secret.ts";
import { readUtf8File, whyUnreadable } from "../utf8.ts";
import {
  type CertificateOwner,
  CLIENT_CERTIFICATE,
  type ClientCertificateSettings,
} from "./authenticator.ts";
import { isMisleading, isPrintable } from "./caller.ts";
import { type IssuerSettings, issuerSchema } from "./issuer-settings.ts";
import { problemOfRouterSecret } from "./request-authenticator.ts";

/** The error of the files of authentication and the policy. It holds every problem. */
export class AuthFileError extends Error {
  override readonly name = "AuthFileError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }
}

/** The settings of authentication. `loadAuthFiles` reads the files that they name. */
export interface AuthSettings {
  /** The issuer that the variables describe, if any. */
  readonly issuer: IssuerSettings | undefined;
  /** AUTH_ISSUERS_FILE, which describes further issuers. */
  readonly issuersFile: string | undefined;
  readonly certificates: ClientCertificateSettings | undefined;
  /** AUTH_CLIENT_CERT_SUBJECTS_FILE, which names the owners of certificates. */
  readonly certificateSubjectsFile: string | undefined;
  /** The secret that the router and the gateway share. If it is set, the gateway serves only requests of the router. */
  readonly routerSecret: SecretSource | undefined;
}

interface AuthFiles {
  readonly issuers: readonly IssuerSettings[];
  readonly routerSecret: Secret | undefined;
  /** The owners of certificates by the certificate's name. */
  readonly certificateOwners: ReadonlyMap<string, CertificateOwner>;
}

/** Reads the files of issuers, keys, certificate subjects and the router's secret. @throws AuthFileError */
export async function loadAuthFiles(settings: AuthSettings): Promise<AuthFiles> {
  const { issuer, issuersFile, certificateSubjectsFile, routerSecret: secretSource } = settings;
  const problems: string[] = [];
  const read = async (what: string, path: string): Promise<string | undefined> => {
    try {
      return await readUtf8File(path);
    } catch (error) {
      problems.push(`${what} ${path} ${whyUnreadable(error)}.`);
      return undefined;
    }
  };
  const issuers = issuer === undefined ? [] : [issuer];
  if (issuersFile !== undefined) {
    const text = await read("AUTH_ISSUERS_FILE", issuersFile);
    if (text !== undefined) issuers.push(...parseIssuersFile(text, problems));
  }
  for (const { keys } of issuers) {
    if (!("file" in keys)) continue;
    const text = await read("The key set", keys.file);
    const problem = text && problemOfKeySet(text);
    if (problem) problems.push(`The key set ${keys.file} ${problem}.`);
  }
  let certificateOwners: AuthFiles["certificateOwners"] = new Map();
  if (certificateSubjectsFile !== undefined) {
    const text = await read("AUTH_CLIENT_CERT_SUBJECTS_FILE", certificateSubjectsFile);
    const names = issuers.map((one) => one.issuer);
    if (text !== undefined) certificateOwners = parseCertificateSubjects(text, names, problems);
  }
  let routerSecret = secretSource && "value" in secretSource ? secretSource.value : undefined;
  if (secretSource && "file" in secretSource) {
    const text = (await read("ROUTER_SECRET_FILE", secretSource.file))?.trim();
    const problem = text === undefined ? undefined : problemOfRouterSecret(text);
    if (problem !== undefined) problems.push(`ROUTER_SECRET_FILE ${problem}.`);
    if (text !== undefined) routerSecret = new Secret(text);
  }
  if (problems.length > 0) throw new AuthFileError(problems);
  return { issuers, routerSecret, certificateOwners };
}

/** Returns the problem of a key set, as the end of a sentence about its file. Returns undefined without a problem. */
function problemOfKeySet(text: string): string | undefined {
  try {
    createLocalJWKSet(JSON.parse(text));
  } catch {
    return 'is not a JSON Web Key Set: {"keys": [...]}';
  }
  const { keys } = JSON.parse(text) as { readonly keys: readonly Readonly<Record<string, unknown>>[] };
  if (keys.length === 0) return "has no key";
  const isSecret = keys.some((key) => "d" in key || key["kty"] === "oct");
  return isSecret ? "has a private or symmetric key. Keep only public keys in it" : undefined;
}

const issuersFileSchema = z.strictObject({ issuers: z.array(issuerSchema).min(1, "names no issuer") });

/** Returns the issuers that AUTH_ISSUERS_FILE describes. Adds every problem of the file to `problems`. */
export function parseIssuersFile(text: string, problems: string[]): readonly IssuerSettings[] {
  const json = parseJson(text);
  if (json === undefined) {
    problems.push('AUTH_ISSUERS_FILE must be JSON: {"issuers": [{"issuer", "jwksUrl", "audience"}]}.');
    return [];
  }
  const issuers = parseBy(issuersFileSchema, json, "AUTH_ISSUERS_FILE", problems)?.issuers ?? [];
  const names = issuers.map(({ issuer }) => issuer);
  for (const name of new Set(names.filter((name, at) => names.indexOf(name) !== at))) {
    problems.push(`AUTH_ISSUERS_FILE: the issuer ${name} occurs more than once.`);
  }
  return issuers;
}

const text = z.string("must be a text").min(1, "must not be empty");

const subjectsFileSchema = z.strictObject(
  {
    certificates: z
      .array(
        z.strictObject({
          certificate: text,
          subject: text
            .refine(isPrintable, "must be a printable text of at most 256 letters")
            .refine((subject) => !isMisleading(subject), "must not mix scripts"),
          issuer: text.optional(),
        }),
      )
      .min(1, "names no certificate"),
  },
  {
    error: ({ code }) =>
      code === "invalid_type"
        ? 'must be an object: {"certificates": [{"certificate", "subject", "issuer"}]}'
        : undefined,
  },
);

/**
 * Returns the owners that AUTH_CLIENT_CERT_SUBJECTS_FILE names, by the certificate's name. An entry may omit the
 * issuer if the gateway trusts at most one. Adds every problem of the file to `problems`.
 */
export function parseCertificateSubjects(
  content: string,
  issuers: readonly string[],
  problems: string[],
): ReadonlyMap<string, CertificateOwner> {
  const file = "AUTH_CLIENT_CERT_SUBJECTS_FILE";
  const owners = new Map<string, CertificateOwner>();
  const refuse = (problem: string): void => void problems.push(`${file}: ${problem}.`);
  const parsed = parseBy(subjectsFileSchema, parseJson(content), file, problems);
  for (const { certificate, subject, issuer } of parsed?.certificates ?? []) {
    if (owners.has(certificate)) refuse(`the certificate ${certificate} occurs more than once`);
    if (issuer === undefined && issuers.length > 1)
      refuse(`${certificate} needs an issuer, because the gateway trusts several`);
    if (issuer !== undefined && !issuers.includes(issuer)) {
      const known = issuers.join(", ") || "those configured (none)";
      refuse(`the issuer ${issuer} of ${certificate} is none of ${known}`);
    }
    owners.set(certificate, { subject, issuer: issuer ?? issuers[0] ?? CLIENT_CERTIFICATE });
  }
  return owners;
}

function parseBy<Schema extends z.ZodType>(
  schema: Schema,
  json: unknown,
  file: string,
  problems: string[],
): z.output<Schema> | undefined {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  for (const { path, message } of parsed.error.issues) {
    problems.push(`${file}: ${[path.join("."), message].filter(Boolean).join(" ")}.`);
  }
  return undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
