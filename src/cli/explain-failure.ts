import { KeyFileError } from "../audit/checkpoint.ts";
import { AuthFileError } from "../auth/auth-files.ts";
import { ConfigError, EX_CONFIG } from "../config/config.ts";
import { DatabaseError } from "../database/database.ts";
import { EX_CANNOT, UsageError } from "./command.ts";

/** A failure as one sentence for the person at the terminal. */
export function explainFailure(error: unknown): string {
  const { message, code } = error as Error & { code?: string };
  if (code === "42P01")
    return "There is no record in this database yet. Start the gateway, or run: npm run migrate";
  if (code?.startsWith("ERR_PARSE_ARGS"))
    return `${message.split("\n")[0]?.replace(/\.?$/, ".")} Try --help.`;
  const isSaid = [AuthFileError, ConfigError, DatabaseError, KeyFileError, UsageError].some(
    (kind) => error instanceof kind,
  );
  return isSaid ? message : `It failed: ${message}`;
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return error.exitCode;
  return error instanceof ConfigError || error instanceof AuthFileError ? EX_CONFIG : EX_CANNOT;
}
