import { parseDocument } from "yaml";
import type { CamEndpoint, CredentialSettings } from "../cam/index.ts";
import { accountCredentials } from "./account-credentials.ts";
import { type AccountEntry, accountSchema, accountsFileSchema } from "./account-schema.ts";
import type { AccountsTarget } from "./accounts-target.ts";
import type { CamTarget } from "./cam-target.ts";
import { parseEndpoint } from "./parse-endpoint.ts";

/** One account beside the default one. */
export interface AccountTarget {
  readonly name: string;
  /** Undefined for an emulator of its own, which only local mode has. */
  readonly cam: AccountCam | undefined;
  readonly ratePerSecond: number;
  readonly language: "en-US" | "zh-CN";
}

export interface AccountCam {
  readonly endpoint: CamEndpoint;
  readonly credentials: CredentialSettings;
  /** Its role is assumed with the key of the default account, as it has none itself. */
  readonly usesDefaultKey: boolean;
  readonly proxy: CamTarget["proxy"];
}

/** The accounts that the text of CAM_ACCOUNTS, JSON or YAML, describes. Adds to `problems` what is wrong. */
export function parseAccountsFile(
  text: string,
  target: AccountsTarget,
  problems: string[],
): readonly AccountTarget[] {
  const say = (path: readonly PropertyKey[], problem: string): void =>
    void problems.push(`CAM_ACCOUNTS: ${[path.join("."), problem].filter(Boolean).join(" ")}.`);
  const { value, problem } = readDocument(text);
  if (problem !== undefined) {
    say([], problem);
    return [];
  }
  const parsed = accountsFileSchema.safeParse(value);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) {
      const inner = issue.code === "invalid_key" ? issue.issues : [issue];
      for (const { message } of inner) say(issue.path, message);
    }
  }
  const entries = parsed.success ? Object.entries(parsed.data.accounts) : soundEntries(value);
  return entries.map(([name, entry]) =>
    accountOf(name, entry, target, (path, problem) => say(["accounts", name, ...path], problem)),
  );
}

/** The accounts of a file with mistakes that have none themselves: what else is wrong with them is told as well. */
function soundEntries(value: unknown): readonly [string, AccountEntry][] {
  const accounts = (value as { readonly accounts?: unknown } | null)?.accounts;
  if (typeof accounts !== "object" || accounts === null) return [];
  return Object.entries(accounts).flatMap(([name, entry]): [string, AccountEntry][] => {
    const parsed = accountSchema.safeParse(entry);
    return parsed.success ? [[name, parsed.data]] : [];
  });
}

function accountOf(
  name: string,
  entry: AccountEntry,
  target: AccountsTarget,
  say: (path: readonly string[], problem: string) => void,
): AccountTarget {
  const { endpoint, serviceHost, credentials } = entry;
  const account = {
    name,
    ratePerSecond: entry.ratePerSecond ?? target.ratePerSecond,
    language: entry.language ?? target.language,
  };
  if (endpoint === undefined) {
    if (target.mode === "server") say([], "has no endpoint, for example https://cam.tencentcloudapi.com");
    for (const [field, value] of Object.entries({ serviceHost, credentials })) {
      if (value !== undefined) say([field], "has no meaning without endpoint");
    }
    return { ...account, cam: undefined };
  }
  const parsed = parseEndpoint(endpoint, serviceHost);
  if (credentials === undefined) say([], "has no credentials");
  if (parsed === undefined || credentials === undefined) return { ...account, cam: undefined };
  const keys = accountCredentials(credentials, target, (path, problem) =>
    say(["credentials", ...path], problem),
  );
  return { ...account, cam: { endpoint: parsed, proxy: target.proxy, ...keys } };
}

/** JSON is YAML too. A name that stands twice is a mistake in both. */
function readDocument(text: string): { readonly value?: unknown; readonly problem?: string } {
  const document = parseDocument(text, { prettyErrors: false, logLevel: "silent" });
  const [error] = [...document.errors, ...document.warnings];
  if (error !== undefined) {
    const line = text.slice(0, error.pos[0]).split("\n").length;
    return { problem: `cannot be read as JSON or YAML (line ${line}: ${error.code})` };
  }
  try {
    return { value: document.toJS() };
  } catch {
    return { problem: "has names that stand for more than a file could hold" };
  }
}
