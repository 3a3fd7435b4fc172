import { parse as parseIni } from "ini";
import { Secret } from "../../secret.ts";
import { readUtf8File, whyUnreadable } from "../../utf8.ts";
import { CredentialError, type CredentialProvider } from "./credential.ts";

export interface ProfileProviderOptions {
  /** The section of the file. The official tools default to `default`. */
  readonly profile: string;
  /** The provider reads the first of these files that exists, as the official SDKs do. */
  readonly paths: readonly string[];
  /** Whether a missing file or section is an error. It is one if an operator named the file or section. */
  readonly required: boolean;
}

/**
 * Creates a provider of the official credentials file: INI with `secret_id`, `secret_key` and, for temporary keys,
 * `token`.
 */
export function createProfileProvider(options: ProfileProviderOptions): CredentialProvider {
  const name = `profile "${options.profile}"`;
  return {
    name,
    async load() {
      const found = await readFirst(options.paths);
      const section = found && readSection(found.text, options.profile);
      if (found === undefined || section === undefined) {
        if (!options.required) return undefined;
        const where = found ? `not in ${found.path}` : `no such file: ${options.paths.join(", ")}`;
        throw new CredentialError(`Credentials ${name} cannot be used: ${where}.`);
      }
      const { secret_id: secretId, secret_key: secretKey, token } = section;
      if (!secretId || !secretKey) {
        throw new CredentialError(`Credentials ${name} in ${found.path} needs secret_id and secret_key.`);
      }
      return {
        secretId,
        secretKey: new Secret(secretKey),
        ...(token ? { token: new Secret(token) } : {}),
      };
    },
  };
}

/** Returns the section's text values, trimmed. Omits blank texts, nested sections and bare keys. */
function readSection(text: string, profile: string): Partial<Record<string, string>> | undefined {
  // The parser splits a section's name at dots into nested sections.
  const section = profile.split(".").reduce<unknown>(ownValue, parseIni(text));
  if (typeof section !== "object" || section === null) return undefined;
  return Object.fromEntries(
    Object.entries(section).flatMap(([key, value]) =>
      typeof value === "string" && value.trim() !== "" ? [[key, value.trim()]] : [],
    ),
  );
}

function ownValue(container: unknown, name: string): unknown {
  if (typeof container !== "object" || container === null) return undefined;
  return Object.entries(container).find(([own]) => own === name)?.[1];
}

async function readFirst(
  paths: readonly string[],
): Promise<{ readonly path: string; readonly text: string } | undefined> {
  for (const path of paths) {
    try {
      return { path, text: await readUtf8File(path) };
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code === "ENOENT" || code === "ENOTDIR") continue;
      throw new CredentialError(`The credentials file ${path} ${whyUnreadable(cause)}.`, { cause });
    }
  }
  return undefined;
}
