import { AnchorFileError, checkAnchorFile } from "../audit/chain-anchors.ts";
import { KeyFileError, loadSigningKey } from "../audit/signing-keys.ts";
import { AuthFileError, loadAuthFiles } from "../auth/auth-files.ts";
import { loadPolicy, policyTerms } from "../auth/policy/policy-file.ts";
import { checkCredentialFiles } from "../cam/index.ts";
import { type Config, ConfigError, loadConfig } from "../config/config.ts";
import { DatabaseError } from "../database/database.ts";
import { checkUrl, readUrlFile } from "../database/database-address.ts";
import { checkKeyFiles, loadAccounts, loadReceivers } from "../gateway/load-files.ts";
import { TrustedDocuments, TrustedDocumentsError } from "../http/graphql/trusted-documents.ts";
import { readTls, TlsError } from "../http/tls.ts";
import type { CommandIo } from "./command.ts";
import type { CommandResult } from "./command-result.ts";
import { describeConfig } from "./start-up-banner.ts";

/** Options that override variables. */
export interface ServeOptions {
  readonly local?: boolean;
  readonly port?: string;
}

/** Checks the configuration and the files that it names, and starts nothing. */
export async function checkConfig(options: ServeOptions, { env }: CommandIo): Promise<CommandResult> {
  const config = await readConfig(options, { env });
  await checkFiles(config);
  return {
    lines: ["The configuration is valid.", ...describeConfig(config)],
    result: { mode: config.mode, notices: config.notices },
  };
}

/** Reads the configuration. @throws ConfigError with the mistakes in variables and in the files that they name. */
export async function readConfig(
  { local, port }: ServeOptions,
  { env }: Pick<CommandIo, "env">,
): Promise<Config> {
  try {
    return loadConfig(port === undefined ? env : { ...env, PORT: port }, local ? "local" : "server");
  } catch (error) {
    throw error instanceof ConfigError ? await withMistakesInFiles(error) : error;
  }
}

/** Errors about a file that the configuration names. Their messages say how to correct the file. */
const FILE_ERRORS = [TlsError, TrustedDocumentsError, KeyFileError, AnchorFileError];

/** Turns an error about a file of the configuration into a ConfigError. Returns undefined for other errors. */
export function asConfigError(error: unknown): ConfigError | undefined {
  if (error instanceof ConfigError) return error;
  if (error instanceof AuthFileError) return new ConfigError(error.problems);
  const isOfFile = FILE_ERRORS.some((kind) => error instanceof kind);
  return isOfFile ? new ConfigError([(error as Error).message]) : undefined;
}

/**
 * Adds the mistakes in the files that the rest of the configuration names. Without them, an operator would correct a
 * variable and see the mistakes in files only at the next start.
 */
export async function withMistakesInFiles(mistake: ConfigError): Promise<ConfigError> {
  if (mistake.remains === undefined) return mistake;
  const problems = await mistakesInFiles(mistake.remains);
  return problems.length === 0 ? mistake : new ConfigError([...mistake.problems, ...problems]);
}

/** Reads every file that the configuration names, and makes no connection. @throws ConfigError */
export async function checkFiles(config: Config): Promise<void> {
  const problems = await mistakesInFiles(config);
  if (problems.length > 0) throw new ConfigError(problems);
}

async function mistakesInFiles(config: Config): Promise<readonly string[]> {
  const { auth, accounts, policyFile, cam, checkpoints, store, webhooks } = config;
  const { tls, trustedDocuments } = config.http;
  const checks: readonly (Promise<unknown> | undefined)[] = [
    auth && loadAuthFiles(auth),
    policyFile === undefined ? undefined : loadPolicy(policyFile, policyTerms(config)),
    cam && refuse(checkCredentialFiles(cam.credentials)),
    accounts && loadAccounts(accounts).then(checkKeyFiles),
    webhooks && loadReceivers(webhooks),
    store.kind === "postgres" && "file" in store.url ? readUrlFile(store.url.file).then(checkUrl) : undefined,
    tls && readTls(tls),
    trustedDocuments && TrustedDocuments.load({ ...trustedDocuments, own: [], onUntrusted: () => undefined }),
    checkpoints && loadSigningKey(checkpoints.signingKeyFile),
    checkpoints?.previousKeyFile === undefined ? undefined : loadSigningKey(checkpoints.previousKeyFile),
    checkpoints?.anchorFile === undefined ? undefined : checkAnchorFile(checkpoints.anchorFile),
  ];
  return (await Promise.allSettled(checks)).flatMap((check) =>
    check.status === "rejected" ? problemsOf(check.reason) : [],
  );
}

async function refuse(found: Promise<readonly string[]>): Promise<void> {
  const problems = await found;
  if (problems.length > 0) throw new ConfigError(problems);
}

function problemsOf(error: unknown): readonly string[] {
  // It comes from the file with the database's address, because no check connects to the database.
  if (error instanceof DatabaseError) return [error.message];
  const mistake = asConfigError(error);
  if (mistake === undefined) throw error;
  return mistake.problems;
}
