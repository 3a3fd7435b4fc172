import { readFile } from "node:fs/promises";
import { parseKeySet } from "./auth/issuer-keys.ts";
import type { IssuerSettings } from "./auth/issuer-settings.ts";
import type { AuthTarget } from "./config/auth-target.ts";
import { parseIssuersFile } from "./config/issuers-file.ts";
import { ConfigError } from "./config.ts";

/** Reads what the configuration only names: the file of issuers, and those of keys. @throws ConfigError */
export async function loadIssuers({ issuer, issuersFile }: AuthTarget): Promise<readonly IssuerSettings[]> {
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
  if (problems.length > 0) throw new ConfigError(problems);
  return issuers;
}

async function read(what: string, path: string, problems: string[]): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    problems.push(`${what} ${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
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
