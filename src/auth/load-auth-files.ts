import type { AuthTarget } from "../config/auth-target.ts";
import { parseCertificateSubjects } from "../config/certificate-subjects-file.ts";
import { ConfigError } from "../config/config.ts";
import { parseIssuersFile } from "../config/issuers-file.ts";
import { CANNOT_BE_SENT, canBeSent, SHORTEST_ROUTER_SECRET } from "../config/router-secret.ts";
import { Secret } from "../secret.ts";
import { readUtf8File, whyUnreadable } from "../utf8.ts";
import type { CertificateOwner } from "./client-certificates.ts";
import { parseKeySet } from "./issuer-keys.ts";
import type { IssuerSettings } from "./issuer-settings.ts";

export interface AuthFiles {
  readonly issuers: readonly IssuerSettings[];
  readonly routerSecret: Secret | undefined;
  /** By the certificate's name. */
  readonly certificateOwners: ReadonlyMap<string, CertificateOwner>;
}

/** Reads what the configuration only names: the files of issuers, of keys, and of the router's secret. @throws ConfigError */
export async function loadAuthFiles(target: AuthTarget): Promise<AuthFiles> {
  const { issuer, issuersFile, certificateSubjectsFile, routerSecret } = target;
  const problems: string[] = [];
  const issuers = issuer === undefined ? [] : [issuer];
  if (issuersFile !== undefined) {
    const text = await read("AUTH_ISSUERS_FILE", issuersFile, problems);
    if (text !== undefined) issuers.push(...parseIssuersFile(text, problems));
  }
  for (const { keys } of issuers) {
    if (!("file" in keys)) continue;
    const text = await read("The key set", keys.file, problems);
    const problem = text === undefined ? undefined : problemOf(text);
    if (problem !== undefined) problems.push(`The key set ${keys.file} ${problem}.`);
  }
  const certificateOwners = await ownersFrom(
    certificateSubjectsFile,
    issuers.map((one) => one.issuer),
    problems,
  );
  const secret = await secretFrom(routerSecret, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  return { issuers, routerSecret: secret, certificateOwners };
}

async function ownersFrom(
  file: string | undefined,
  issuers: readonly string[],
  problems: string[],
): Promise<AuthFiles["certificateOwners"]> {
  if (file === undefined) return new Map();
  const text = await read("AUTH_CLIENT_CERT_SUBJECTS_FILE", file, problems);
  return text === undefined ? new Map() : parseCertificateSubjects(text, issuers, problems);
}

async function secretFrom(
  source: AuthTarget["routerSecret"],
  problems: string[],
): Promise<Secret | undefined> {
  if (source === undefined) return undefined;
  if ("value" in source) return source.value;
  const text = (await read("ROUTER_SECRET_FILE", source.file, problems))?.trim();
  if (text === undefined) return undefined;
  if (text.length < SHORTEST_ROUTER_SECRET) {
    problems.push(`ROUTER_SECRET_FILE must have at least ${SHORTEST_ROUTER_SECRET} characters in it.`);
  } else if (!canBeSent(text)) {
    problems.push(`ROUTER_SECRET_FILE ${CANNOT_BE_SENT}.`);
  }
  return new Secret(text);
}

async function read(what: string, path: string, problems: string[]): Promise<string | undefined> {
  try {
    return await readUtf8File(path);
  } catch (error) {
    problems.push(`${what} ${path} ${whyUnreadable(error)}.`);
    return undefined;
  }
}

function problemOf(text: string): string | undefined {
  try {
    parseKeySet(text);
  } catch {
    return 'is no JSON Web Key Set: {"keys": [...]}';
  }
  const { keys } = JSON.parse(text) as { readonly keys: readonly Readonly<Record<string, unknown>>[] };
  if (keys.length === 0) return "has no key";
  const isSecret = keys.some((key) => "d" in key || key["kty"] === "oct");
  return isSecret ? "has a key in it that signs. Leave only public keys in it" : undefined;
}
