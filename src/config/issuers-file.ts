import { z } from "zod";
import type { IssuerSettings } from "../auth/issuer-settings.ts";
import { issuerSchema } from "./issuer-schema.ts";

const issuersFile = z.strictObject({ issuers: z.array(issuerSchema).min(1, "names no issuer") });

/** The issuers that AUTH_ISSUERS_FILE describes. Adds to `problems` what is wrong. */
export function parseIssuersFile(text: string, problems: string[]): readonly IssuerSettings[] {
  const json = parseJson(text);
  if (json === undefined) {
    problems.push('AUTH_ISSUERS_FILE must be JSON: {"issuers": [{"issuer", "jwksUrl", "audience"}]}.');
    return [];
  }
  const parsed = issuersFile.safeParse(json);
  if (!parsed.success) {
    for (const { path, message } of parsed.error.issues) {
      problems.push(`AUTH_ISSUERS_FILE: ${[path.join("."), message].filter(Boolean).join(" ")}.`);
    }
    return [];
  }
  const { issuers } = parsed.data;
  const names = issuers.map(({ issuer }) => issuer);
  for (const name of new Set(names.filter((name, at) => names.indexOf(name) !== at))) {
    problems.push(`AUTH_ISSUERS_FILE: the issuer ${name} is there more than once.`);
  }
  return issuers;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
